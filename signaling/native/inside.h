/* What the files of the forwarding thread share. Every function here wants the lock to be held. */
#ifndef INSIDE_H
#define INSIDE_H

#include "plane.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define BATCH 16            /* datagrams per read: four pictures' worth of one peer; others wait for their turn */
#define TURNS 4             /* reads of one socket before the others get theirs, as BURST in udp_port.py */
#define DATAGRAM 2048       /* as MAX_DATAGRAM_BYTES in udp_port.py */
#define MAX_PLAIN 1500      /* as MAX_PLAIN_BYTES in dtls.py: leaves room for the SRTP trailer */
#define MIN_MEDIA 22        /* as MIN_MEDIA_BYTES in dtls.py */
#define SOURCES_PER_LINE 1024 /* as MAX_SOURCES in guards.py */
#define STREAMS_PER_LINE 32 /* as MAX_STREAMS in publisher.py */
#define WIDE_HISTORY 8192   /* two and a half seconds at 3000 packets per second */
#define FEEDBACK_NS 100000000ull /* arrivals are told to their sender ten times a second */
#define BURST_PACKETS 16     /* a picture of 16 kB; UDP_SEGMENT itself takes 64 */
#define BURST_SIZE 1600      /* MAX_PLAIN and the SRTP trailer */
#define PENDING_LINES 128    /* bursts that wait for the end of a batch: every viewer of two full rooms */
#define COPIED_AT_ONCE 64   /* as in forwarder.py, like the next two */
#define AWAITED 64
#define AWAITED_BEHIND 256
#define PACED_LINES 256     /* beyond it packets do not wait: a timer must not walk through a thousand lines */
#define PACER_EVENT UINT32_MAX /* of the timer, among the handles of peers */
#define PACER_DEPTH_MS 5.0  /* as in rtp/pacer.py, like the next two */
#define PACER_LONGEST_MS 400.0
#define PACER_MOST 256
#define PACER_STEP_MS 2.0   /* the timer rings no sooner */
#define CONGESTION_MS 200.0 /* as CONGESTION_PAUSE_MS in forwarder.py */
#define RATE_PAUSES 32       /* so many pauses after the last time the thread looks how busy it is */
#define NAP_NS 10000           /* Python holds the lock for a few microseconds at a time */
#define MOST_NAPS 20
#define BUSY_SOCKETS 2.0     /* ready within one pause: then waiting saves more wake-ups than it costs */
#define SECOND_NS 1000000000ull

typedef int (*srtp_fn)(void *context, void *packet, int *bytes);

struct sent {
    uint64_t number;
    double sent_ms;
    uint32_t bytes;
};

struct held { /* a plain packet that waits for room on its line; then `bytes` bytes */
    struct held *next;
    uint32_t leg, cuts;
    int bytes, wide_at, is_again;
    _Alignas(16) uint8_t data[];
};

struct pacer { /* as rtp/pacer.py */
    double rate_bps, free_ms;
    int count, bytes;
    struct held *first[2], *last[2]; /* repeats, then what is new */
    int is_waiting;                  /* in plane->waiting_lines */
};

struct burst { /* protected packets of one size that leave in one call; a smaller one may end it */
    int count, bytes, size, is_ended;
    struct leg *legs[BURST_PACKETS];
    uint8_t data[BURST_PACKETS * BURST_SIZE];
};

struct stream {
    uint32_t id, ssrc;
    struct line *line;
    struct media_stream *media;
    struct leg **legs;
    int leg_count;
    int is_tapped; /* somebody records it: Python gets its packets */
    int has_hole;  /* Python did not hear of its last packets */
};

struct line { /* one transport */
    uint32_t id;
    void *rx, *tx; /* SRTP contexts of ours alone; NULL: not connected */
    int fd;        /* where to send; -1: Python sends */
    uint64_t window_ns;
    uint32_t window_count, stray_count; /* all media, and that of no stream, in this second */
    uint64_t refused, limited;
    struct stream *streams[STREAMS_PER_LINE];
    int stream_count;
    uint32_t *sources; /* SSRCs without a stream that proved good: libsrtp keeps a replay window for each */
    int source_count;
    uint64_t wide; /* transport-wide number of the next packet */
    struct sent *history;
    struct burst *burst; /* empty whenever the lock is free */
    int burst_bytes;     /* packets larger than this go alone: the way refused a burst of such */
    uint64_t residence[RESIDENCE_BUCKETS], residence_ns; /* of what came in here, since it was last asked for */
    struct pacer pacer;
    uint64_t media_ns; /* when the last good packet of an open stream came */
    int number_id;     /* header extension that carries the sender's transport-wide number; 0: not negotiated */
    struct feedback *feedback;
    uint32_t feedback_ssrc, told_ssrc; /* who tells, and of whom; `told_ssrc` 0: nobody is told */
    uint64_t told_ns;
};

struct leg {
    uint32_t id;
    struct line *line;
    struct rewriter *rewriter;
    int is_video;
    int wide_at; /* offset of the transport-wide number in a written packet; 0: none */
    double blocked_until_ms;
    uint64_t dropped;
    uint16_t awaited[AWAITED]; /* outgoing numbers of packets to copy that have not come yet */
    int awaited_count;
    uint32_t cuts; /* how often it was silenced: what Python has not sent yet by then must not go */
};

struct peer { /* one connected socket */
    uint32_t id;
    int fd;
    struct line *line;
    uint64_t window_ns;
    uint32_t window_count;
};

struct table {
    void **items;
    uint32_t *ages;
    uint32_t size, count, next;
};

struct ring { /* records for Python; see ring.c */
    uint8_t *data;
    size_t bytes, head, used;
};

struct plane {
    pthread_mutex_t lock;
    pthread_t thread;
    atomic_int waiting; /* Python threads that want the lock: the packet loop lets them in */
    atomic_int running;
    int epoll_fd, event_fd, stop_fd;
    uint64_t pause_ns, counted_ns;
    int64_t found; /* sockets that had something since `counted_ns` */
    int is_busy;
    uint32_t media_per_s, others_per_s;
    int is_single;
    int is_urgent;
    atomic_int urgency; /* as enum, what the system allowed */
    srtp_fn protect, unprotect, protect_rtcp;
    struct table lines, streams, legs, peers;
    struct ring media, others; /* what is recorded can wait, the others cannot */
    int is_told; /* Python was woken and has not drained since */
    struct plane_facts facts;
    struct line *pending[PENDING_LINES];
    int pending_count;
    struct line *paced[PACED_LINES]; /* packets wait at these */
    int paced_count, timer_fd;
    double timer_ms; /* when it rings; 0: not set */
    _Alignas(16) uint8_t out[DATAGRAM + 64]; /* libsrtp reads headers as words */
};

/* tables.c: a stale handle finds nothing instead of freed memory. 0 is no handle. */
uint32_t table_add(struct table *table, void *item);
void *table_get(const struct table *table, uint32_t id);
void table_remove(struct table *table, uint32_t id);
void table_free(struct table *table);

/* ring.c */
void enter(struct plane *plane); /* takes the lock: the packet loop gives way */
void leave(struct plane *plane);
void tell(struct plane *plane); /* wake Python */
void record(struct plane *plane, int kind, uint32_t id, const void *data, int bytes, uint64_t at_ns);
int record_send(struct plane *plane, uint32_t line, const struct leg *leg, const void *data, int bytes);
void record_media(struct plane *plane, struct stream *stream, const void *data, int bytes, uint64_t at_ns);

/* send.c */
int transmit(struct plane *plane, struct line *line, struct leg *leg, uint8_t *packet, int bytes, int wide_at,
             double now_ms);
void congested(struct leg *leg, double now_ms);
void flush(struct plane *plane, double now_ms); /* send what waits: always before the lock is given back */

int transmit_report(struct plane *plane, struct line *line, uint8_t *packet, int bytes);

/* telling.c */
void note_arrival(struct line *line, const uint8_t *packet, int bytes, uint64_t at_ns);
void tell_arrivals(struct plane *plane, struct line *line, uint64_t now_ns);

/* pace.c */
int hold(struct plane *plane, struct leg *leg, const uint8_t *packet, int bytes, int is_again, double now_ms);
void release(struct plane *plane, double now_ms); /* what may leave by now; sets the timer anew */
void forget_held(struct plane *plane, struct line *line);

/* forward.c */
uint64_t clock_ns(clockid_t which);
void copy_to(struct plane *plane, struct leg *leg, const struct media_packet *packet, double now_ms);
int stream_in(struct plane *plane, struct stream *stream, const uint8_t *plain, int bytes, uint64_t at_ns);
void count_residence(struct line *line, uint64_t ns);
int media_in(struct plane *plane, struct line *line, uint8_t *packet, int bytes, uint64_t at_ns);
int is_media(const uint8_t *packet, int bytes);
int read_peer(struct plane *plane, struct peer *peer);

/* orders.c */
void free_stream(struct stream *stream);
void free_leg(struct leg *leg);
void free_line(struct line *line);
void close_leg(struct plane *plane, struct leg *leg);

#endif
