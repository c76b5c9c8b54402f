/* The forwarding thread and the orders Python gives it. Between the markers: what Python sees (build.py). */
#ifndef PLANE_H
#define PLANE_H

#include <stddef.h>
#include <stdint.h>

#include "media.h"

/* cdef begin */
enum { RECORD_KEYFRAME = 1, RECORD_UNKNOWN = 2, RECORD_DATAGRAM = 3, RECORD_SEND = 4 };
enum { TROUBLED_STREAMS = 4096 }; /* told with one drain; the others with a later one */
enum { HANDLE_PLACES = (1 << 18) - 1 }; /* the bits of a handle that say where; the others say how old */
enum { RESIDENCE_BUCKETS = 160 }; /* as BUCKETS in rtp/histogram.py */
enum { LEG_SELECT = 1, LEG_PAUSE = 2, LEG_FORGET = 3, LEG_REDUNDANCY = 4, LEG_TEMPORAL = 5 };
enum { REPAIR_SEND = 0, REPAIR_LOOK = 1, REPAIR_PROBE = 2 }; /* with the pacer, not at all, without it */

struct plane_settings {
    uint64_t pause_ns;
    uint64_t ring_bytes;
    uint32_t media_per_s;
    uint32_t others_per_s; /* STUN, DTLS and RTCP of one peer, and media of no stream: Python must see each */
    int32_t is_single; /* never send bursts (UDP_SEGMENT) */
    int32_t is_urgent; /* go before other work of the machine, as far as allowed */
};

struct plane_record { /* then `bytes` bytes, padded to eight */
    uint64_t at_ns;
    uint32_t id; /* of a stream, a line or a peer, by its kind */
    uint32_t leg, cuts; /* of RECORD_SEND: the leg or 0, and how often it was cut */
    uint16_t bytes;
    uint16_t kind;
};

struct plane_packet { /* one of a recorded stream; then `bytes` bytes, padded to eight */
    uint64_t at_ns;
    uint32_t id;
    uint16_t bytes;
    uint16_t is_after_hole; /* earlier packets of its stream found the ring full */
};

struct plane_news { /* what a drain tells besides records */
    uint64_t media_bytes; /* wait to be recorded */
    uint32_t troubled;    /* how many streams miss packets or need a key frame */
    uint32_t streams[TROUBLED_STREAMS];
};

enum { URGENCY_NONE, URGENCY_NICE, URGENCY_REAL_TIME };

struct plane_facts {
    uint64_t forwarded, failed, ring_dropped, ring_used, bursts;
    int32_t urgency; /* URGENCY_* */
};

struct stream_facts { /* what `stream_new` wants to know */
    uint32_t ssrc;
    int32_t codec, clock_rate_hz, payload_type, red_payload_type, audio_level_id;
    struct loss_rules rules;
};

struct leg_facts {
    struct rewriter_state numbering;
    uint64_t dropped;
    double blocked_until_ms;
};

struct stream_state { /* what is read of a stream; of its meters the first half */
    struct stream_meters meters;
    int64_t refused, asked, recovered, given_up;
    int32_t width_px, height_px, pending, needs_keyframe;
};

struct plane *plane_open(uintptr_t protect, uintptr_t unprotect, uintptr_t protect_rtcp,
                         const struct plane_settings *settings);
void plane_close(struct plane *plane);
int plane_event_fd(struct plane *plane);
int plane_drain(struct plane *plane, int is_media, uint8_t *out, int capacity, struct plane_news *news);
int plane_catch_up(struct plane *plane);
/* What the calling thread may be: URGENCY_*. */
int32_t become_urgent(void);
void plane_read_facts(struct plane *plane, struct plane_facts *facts);

uint32_t line_open(struct plane *plane);
void line_close(struct plane *plane, uint32_t line);
void line_keys(struct plane *plane, uint32_t line, uintptr_t rx, uintptr_t tx);
void line_route(struct plane *plane, uint32_t line, int fd);
void line_receive(struct plane *plane, uint32_t line, const uint8_t *packet, int bytes, uint64_t at_ns);
void line_pace(struct plane *plane, uint32_t line, double rate_bps);
int line_send(struct plane *plane, uint32_t line, const uint8_t *plain, int bytes, int wide_at, double now_ms);
void line_watch_numbers(struct plane *plane, uint32_t line, int extension_id);
void line_tell(struct plane *plane, uint32_t line, uint32_t ours, uint32_t theirs);
uint32_t lines_heard(struct plane *plane, uint64_t *at_ns, uint32_t capacity);
int64_t line_newest(struct plane *plane, uint32_t line);
int line_sent(struct plane *plane, uint32_t line, uint16_t first, int count, double *sent_ms, uint32_t *bytes);
uint64_t line_residence(struct plane *plane, uint32_t line, uint64_t *counts);
void line_counters(struct plane *plane, uint32_t line, uint64_t *refused, uint64_t *limited);

uint32_t peer_open(struct plane *plane, int fd, uint32_t line);
void peer_close(struct plane *plane, uint32_t peer);

uint32_t stream_open(struct plane *plane, uint32_t line, const struct stream_facts *facts);
void stream_shut(struct plane *plane, uint32_t stream);
int stream_route(struct plane *plane, uint32_t stream, const uint32_t *legs, int count);
void stream_receive(struct plane *plane, uint32_t stream, const uint8_t *plain, int bytes, uint64_t at_ns);
void stream_forget(struct plane *plane, uint32_t stream);
void stream_tap(struct plane *plane, uint32_t stream, int is_tapped);
int stream_read(struct plane *plane, uint32_t stream, struct stream_state *state);
int stream_due(struct plane *plane, uint32_t stream, double now_ms, uint16_t *asked);
void stream_tune(struct plane *plane, uint32_t stream, double rtt_ms, int trusts_repeats);
void stream_healed(struct plane *plane, uint32_t stream);
void stream_forget_losses(struct plane *plane, uint32_t stream);
void stream_interval(struct plane *plane, uint32_t stream, double *ratio, int64_t *lost);
int stream_replay(struct plane *plane, uint32_t stream, uint32_t leg, double now_ms);

uint32_t leg_open(struct plane *plane, uint32_t line, const struct rewriter_settings *settings, int is_video);
void leg_shut(struct plane *plane, uint32_t leg);
void leg_congested(struct plane *plane, uint32_t leg, double now_ms);
void leg_order(struct plane *plane, uint32_t leg, int order, int64_t argument, int64_t shift, int has_shift,
               struct leg_facts *facts);
void leg_read(struct plane *plane, uint32_t leg, struct leg_facts *facts);
int64_t leg_locate(struct plane *plane, uint32_t leg, uint16_t number);
int leg_repair(struct plane *plane, uint32_t leg, uint32_t stream, uint16_t number, double now_ms, int how);
int leg_copy_base(struct plane *plane, uint32_t leg, uint32_t stream, int32_t after, int most_bytes, double now_ms,
                  uint16_t *newest);
/* cdef end */

#endif
