/*
 * The packet arithmetic of signaling/rtp in C: the same results byte for byte, without Python objects.
 *
 * Everything between the two marker lines is also read by cffi (build.py cuts it out), so it holds plain
 * declarations only. Nothing here locks: an object belongs to whoever holds the lock around it. All times are
 * monotonic milliseconds, all numbers on the wire big-endian, all unwrapped sequence numbers grow for ever.
 */
#ifndef SIGNALING_MEDIA_H
#define SIGNALING_MEDIA_H

#include <stddef.h>
#include <stdint.h>

/* cdef begin */

/* The values of signaling/rtp; a test compares each with its namesake there. */
enum media_kind { KIND_MEDIA = 0, KIND_RED = 1 };
enum media_layout { LAYOUT_PLAIN = 0, LAYOUT_VP8_FULL = 1, LAYOUT_VP8_OTHER = 2 };
enum media_codec { CODEC_OPUS = 0, CODEC_VP8 = 1, CODEC_H264 = 2 };
enum media_flag { FLAG_KEYFRAME = 1, FLAG_FRAME_START = 2, FLAG_SYNC = 4, FLAG_EMPTY = 8, FLAG_LATE = 16 };
enum media_limits {
    PADDING_RANK = 7,           /* temporal_id of packets without media */
    MAX_PACKET_BYTES = 1500,    /* the largest packet that is accepted */
    MAX_EXTENSION_BYTES = 128,  /* the longest extension block of an incoming packet */
    MAX_REDUNDANT_BLOCKS = 8,
    MAX_AGGREGATED = 16,        /* NAL units of a STAP-A that are looked at */
    MAX_BLOCK_BYTES = 64,       /* the longest extension block of a viewer, its changing parts included */
    MAX_WRITTEN_BYTES = 1600,   /* an output buffer of this size always suffices: packet + block + RTX number */
    MAX_FORWARD_STEP = 1000,
    MAX_LATENESS = 1000,
    ALL_TEMPORAL_LAYERS = 3,
    HISTORY_MS = 2000,
    VIDEO_PACKETS = 1024,
    AUDIO_PACKETS = 128,
    MAX_PENDING = 100,          /* missing packets that are hoped for */
    REPLAY_PACKETS = 40
};

/* One received packet, parsed once (packet.MediaPacket). Extensions, CSRCs and padding are gone from `payload`. */
struct media_packet {
    int64_t sequence;           /* unwrapped */
    double arrival_ms;
    const uint8_t *payload;     /* into the bytes that were parsed, or into the cache's copy */
    const uint8_t *tail;        /* LAYOUT_VP8_FULL: behind the five octets that are rewritten; else NULL */
    int32_t payload_bytes;
    int32_t tail_bytes;
    uint32_t ssrc;              /* the publisher's, of this layer */
    uint32_t timestamp;
    int32_t picture_id;         /* -1 when absent */
    int32_t tl0_index;          /* -1 when absent */
    int32_t audio_level;        /* RFC 6464, 0..127 in -dBov; -1 when absent */
    uint16_t prefix;            /* LAYOUT_VP8_FULL: the first two octets of the payload */
    uint8_t marker;             /* 0x80 or 0 */
    uint8_t kind;               /* KIND_... */
    uint8_t layout;             /* LAYOUT_... */
    uint8_t temporal_id;        /* VP8 0..3; PADDING_RANK for packets without media */
    uint8_t flags;              /* FLAG_... bits */
    uint8_t send_time[3];       /* abs-send-time of the moment of arrival */
};

/* ---- packet.c: one stream's reading state (stream.IncomingStream._parsed, sequence.SequenceUnwrapper) ---- */

struct stream_parser {
    uint32_t ssrc;              /* given to every packet; the caller has looked the stream up by it */
    int32_t codec;              /* CODEC_... */
    int32_t payload_type;
    int32_t red_payload_type;   /* -1: none */
    int32_t audio_level_id;     /* 0: not negotiated */
    int32_t suspect;            /* the 16-bit number that would confirm a jump; -1 none */
    int64_t highest;            /* unwrapped number of the newest packet; -1 before the first */
    int64_t restarts;           /* how often the sender jumped and was believed */
    int64_t newest;             /* highest number that was kept (the cache's); -1 before the first */
    int64_t last_timestamp;     /* of the newest frame; -1 before the first */
    int32_t has_parameters;     /* H264: this sender puts parameter sets before its IDR frames */
};

void parser_init(struct stream_parser *parser, uint32_t ssrc, int codec, int payload_type,
                 int red_payload_type, int audio_level_id);

/* Reads a decrypted packet (RTX unwrapped) into `out`, which points into `plain`. 1, or 0 when it must be refused:
 * malformed, unknown payload type, hopelessly late, an unconfirmed jump. */
int packet_parse(struct stream_parser *parser, const uint8_t *plain, int plain_bytes, double now_ms,
                 struct media_packet *out);

/* The packet was kept (it is no duplicate): the parser's newest number and frame move on. */
void parser_accepted(struct stream_parser *parser, const struct media_packet *packet);

/* The content of one header extension element of a packet (RFC 8285, both forms) and its length; NULL when absent,
 * cut off, or when the packet is malformed. A found element may be empty: then *bytes is 0. */
const uint8_t *packet_extension(const uint8_t *plain, int plain_bytes, int extension_id, int *bytes);

/* The newest block of a RED payload (RFC 2198): offset of its data, or -1 when the block headers do not add up. */
int red_primary(const uint8_t *payload, int payload_bytes);

/* How many frames before its own a RED payload repeats (red.repeats). */
int red_repeats(const uint8_t *payload, int payload_bytes);

/* Width and height from the first packet of a VP8 key frame: 1, or 0 when it tells none. */
int packet_picture_size(const struct media_packet *packet, int *width_px, int *height_px);

/* ---- cache.c: recent packets of one stream (cache.PacketCache) ---- */

struct packet_cache;

/* NULL when `capacity` is no power of two or memory is short. The only allocation; cache_free(NULL) is allowed. */
struct packet_cache *cache_new(int capacity);
void cache_free(struct packet_cache *cache);
/* Copies the packet. 1, or 0 when it is a duplicate, too old, or larger than MAX_PACKET_BYTES. */
int cache_put(struct packet_cache *cache, const struct media_packet *packet);
/* The packet with this unwrapped number, valid until the next put, or NULL: never seen, displaced, or older than the
 * history at `now_ms` (now_ms < 0: of any age). */
const struct media_packet *cache_get(const struct packet_cache *cache, int64_t sequence, double now_ms);
/* The last key frame and all behind it, in order: how many of at most `room` were written to `out`; 0 when there is
 * none, it lies `max_packets` or more back, or is not whole. */
int cache_since_keyframe(const struct packet_cache *cache, int max_packets, const struct media_packet **out, int room);
int64_t cache_newest(const struct packet_cache *cache);
void cache_clear(struct packet_cache *cache);

/* ---- losses.c: what is missing of one stream, and when to ask for it (nack.LossDetector) ---- */

struct missing {
    int64_t sequence;
    double due_ms;              /* of the next request */
    double since_ms;
    int32_t tries;
};

struct loss_rules {             /* nack.py's constants: they are changed there alone */
    double first_wait_ms;
    double latest_ms;
    double min_spacing_ms;
    double max_spacing_ms;
    double longest_pause_ms;
    double backoff;
    double default_rtt_ms;
    double useful_ms;           /* besides a round trip; negative: as long as there are tries */
    int32_t max_tries;
};

struct loss_detector {
    struct loss_rules rules;
    int64_t next;               /* expected; -1: whatever comes */
    double heard_ms;
    double rtt_ms;              /* the caller's to set */
    int32_t needs_keyframe;     /* packets were given up; the caller's to clear */
    int64_t asked;
    int64_t recovered;
    int64_t given_up;
    int32_t count;
    struct missing pending[MAX_PENDING]; /* in the order in which they were missed */
};

void losses_init(struct loss_detector *losses, const struct loss_rules *rules);
void losses_received(struct loss_detector *losses, int64_t sequence, double now_ms);
/* What this packet carried came in another one. */
void losses_had(struct loss_detector *losses, int64_t sequence);
/* The 16-bit numbers to ask for now, at most MAX_PENDING: how many. */
int losses_due(struct loss_detector *losses, double now_ms, uint16_t *asked);
/* A key frame starts here: nothing before it is worth asking for. */
void losses_keyframe(struct loss_detector *losses, int64_t sequence);
void losses_forget(struct loss_detector *losses);

/* ---- meters.c: the other meters of a stream (clock.JitterMeter, DriftMeter, ReceptionMeter, temporal.TemporalMeter) */

struct stream_meters {
    int64_t received;
    int64_t bytes;              /* of whole plain packets */
    int64_t newest;             /* unwrapped; -1 before the first */
    double last_arrival_ms;     /* -1 before the first */
    double jitter;              /* in timestamp units */
    double drift_ms;
    int64_t keyframes;
    int64_t levels;             /* packets that told their loudness (RFC 6464) */
    int64_t loud;               /* of them speech, and the sum of those levels */
    int64_t loudness;
    double temporal_bytes[4];   /* of a sample of packets */
    int32_t temporal_samples;
    int32_t has_transit;
    /* Between packets: not for the reader. */
    int64_t first;
    int64_t received_base;
    int64_t expected_before;
    int64_t received_before;
    double transit;
    double ticks_per_ms;
    double ms_per_tick;
    double drift_base;
    int64_t drift_ticks;
    int64_t drift_timestamp;
};

/* ---- stream.c: parser, cache and meters together (stream.IncomingStream) ---- */

struct media_stream {
    struct stream_parser parser;
    struct packet_cache *cache;
    struct stream_meters meters;
    struct loss_detector losses;
    int64_t refused;            /* malformed, unknown payload type, duplicate, too late */
    int32_t width_px;           /* from the last VP8 key frame; 0 unknown */
    int32_t height_px;
    int32_t trusts_repeats;     /* what RED repeats is not missing */
};

void meters_init(struct stream_meters *meters, int clock_rate_hz);
/* Counts a packet that was kept; `newest` as it was before. Before `parser_accepted`. */
void meters_packet(struct media_stream *stream, const struct media_packet *packet, int bytes, int64_t newest);
/* Share of packets lost since the last call, 0..1, and packets lost in all. */
void meters_interval(struct stream_meters *meters, double *ratio, int64_t *lost);

/* AUDIO_PACKETS of history for CODEC_OPUS, else VIDEO_PACKETS. NULL when memory is short. */
struct media_stream *stream_new(uint32_t ssrc, int codec, int clock_rate_hz, int payload_type, int red_payload_type,
                                int audio_level_id, const struct loss_rules *rules);
void stream_free(struct media_stream *stream);
/* 1 and `out` (which points into `plain`), or 0 when the packet must go nowhere. */
int stream_accept(struct media_stream *stream, const uint8_t *plain, int plain_bytes, double now_ms,
                  struct media_packet *out);

/* ---- feedback.c: when numbered packets came, told to their sender (arrivals.FeedbackWriter) ---- */

enum feedback_limits {
    FEEDBACK_BYTES = 1200,      /* the longest message */
    MAX_ARRIVALS = 4096,        /* between two feedbacks; overflow drops the newest */
    KEPT_NUMBERS = 4096,        /* that a later feedback may have to repeat */
    MAX_SPAN = 4096             /* numbers one feedback speaks of */
};

struct arrival {
    uint64_t at_ns;
    uint16_t number;
};

struct noted {                  /* one arrival by its unwrapped number, in ticks of 250 us */
    int64_t number;
    int64_t tick;
};

struct feedback {
    int64_t highest;            /* newest unwrapped number; -1 before the first */
    int64_t next;               /* the one behind the last that was reported */
    int64_t oldest;             /* earlier ones are too late to be reported */
    int64_t at;                 /* where the next message begins; beyond `highest`: there is none */
    uint64_t last_ns;           /* of the newest arrival that was taken */
    int32_t message;            /* number of the next one */
    int32_t count;
    int32_t waiting;
    struct arrival arrivals[MAX_ARRIVALS];
    struct noted noted[MAX_ARRIVALS + KEPT_NUMBERS]; /* by number */
};

struct feedback *feedback_new(void);
void feedback_free(struct feedback *feedback);
/* A packet with this 16-bit number arrived. */
void feedback_arrived(struct feedback *feedback, uint16_t number, uint64_t at_ns);
/* Take what arrived: 1 when there is something to tell. Then `feedback_write` until it gives 0. */
int feedback_begin(struct feedback *feedback);
/* The next RTCP packet, its length; `out` has FEEDBACK_BYTES. 0: nothing is left to tell. */
int feedback_write(struct feedback *feedback, uint32_t sender_ssrc, uint32_t ssrc, uint8_t *out);
/* What arrived is told to nobody. */
void feedback_drop(struct feedback *feedback);

/* ---- rewriter.c: one viewer's view of one publication (rewriter.Rewriter, outgoing.PacketComposer) ---- */

struct rewriter;

/* What is fixed for one subscription (outgoing.RewriterSettings). */
struct rewriter_settings {
    uint32_t ssrc;
    int32_t payload_type;       /* 1..127 */
    int32_t clock_rate_hz;
    int32_t needs_keyframe;     /* video: start and switch on key frames only */
    int32_t red_payload_type;   /* 0: redundancy is taken off before sending */
    int32_t rtx_payload_type;   /* 0: retransmissions are plain repeats */
    uint32_t rtx_ssrc;
    int32_t has_send_time;      /* `extension` ends in the head of abs-send-time: its three bytes follow */
    int32_t has_wide_sequence;  /* the last word of the block holds the transport-wide number */
    int32_t extension_bytes;    /* of `extension`; 0 with neither of the two: no block */
    int64_t first_sequence;
    int64_t first_timestamp;
    uint8_t extension[64];      /* from extensions.build_block: what stays the same; copied */
};

/* What a controller reads. SSRCs are -1 when there is none. */
struct rewriter_state {
    int64_t source;             /* the layer being forwarded */
    int64_t target;             /* the layer that is waited for */
    int64_t last_source;
    int64_t timestamp_offset;   /* viewer's timeline minus the source's, modulo 2^32 */
    int64_t packets_sent;
    int64_t octets_sent;        /* payload bytes, as sender reports count them */
    int64_t retransmitted;
    int32_t redundancy;         /* payload type under which RED is sent; 0: taken off */
    int32_t temporal_limit;
};

/* NULL when the settings make no sense (payload type, block too long) or memory is short. */
struct rewriter *rewriter_new(const struct rewriter_settings *settings);
void rewriter_free(struct rewriter *rewriter);

/* Forward this layer from its next key frame on. `shift` is ignored unless `has_shift`. */
void rewriter_select(struct rewriter *rewriter, uint32_t ssrc, int has_shift, int64_t shift);
void rewriter_pause(struct rewriter *rewriter);
void rewriter_forget_sources(struct rewriter *rewriter);
void rewriter_take_redundancy(struct rewriter *rewriter, int payload_type); /* 0: take it off before sending */
void rewriter_limit_temporal(struct rewriter *rewriter, int highest);

/* Writes the packet as this viewer must get it: its length, 0 when nothing is sent, -1 when `room` is too small
 * (counted as sent: the caller drops it like a lost one). `out` must not overlap the packet's bytes. */
int rewriter_forward(struct rewriter *rewriter, const struct media_packet *packet, uint8_t *out, int room);

/* Layer and unwrapped number behind an outgoing number: 1, or 0 when it was never sent or is too old. */
int rewriter_locate(const struct rewriter *rewriter, uint16_t sequence, uint32_t *ssrc, int64_t *number);
/* The outgoing number given out last (Rewriter.newest). */
uint16_t rewriter_newest(const struct rewriter *rewriter);

/* Writes the repair for an outgoing number. Length, 0 when `packet` is not the one behind it, -1: no room. */
int rewriter_retransmit(struct rewriter *rewriter, uint16_t sequence, const struct media_packet *packet, double now_ms,
                        uint8_t *out, int room);

void rewriter_read(const struct rewriter *rewriter, struct rewriter_state *out);

/* Where the two bytes of the transport-wide number lie in every packet it writes; 0 when the block has none. They are
 * written as zero: the transport that sends the packet fills them in before protecting it. */
int rewriter_wide_offset(const struct rewriter *rewriter);

/* The source, target and last source without a copy: the hot checks of a forwarding table. -1 when there is none. */
int64_t rewriter_source(const struct rewriter *rewriter);
int64_t rewriter_target(const struct rewriter *rewriter);

/* Size of a struct as the compiler laid it out, so that a loader can refuse a library with another idea of it:
 * 0 media_packet, 1 stream_parser, 2 media_stream, 3 rewriter_settings, 4 rewriter_state, 5 feedback; 0 for anything
 * else. */
int media_sizeof(int which);

/* cdef end */

#endif
