/* The packet's way: read, open SRTP, forward to every leg (send.c). No allocation, no Python. */
#include "inside.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

uint64_t clock_ns(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

void copy_to(struct plane *plane, struct leg *leg, const struct media_packet *packet, double now_ms)
{
    int bytes = rewriter_forward(leg->rewriter, packet, plane->out, DATAGRAM);
    if (bytes <= 0 || hold(plane, leg, plane->out, bytes, 0, now_ms))
        return;
    transmit(plane, leg->line, leg, plane->out, bytes, leg->wide_at, now_ms);
}

int stream_in(struct plane *plane, struct stream *stream, const uint8_t *plain, int bytes, uint64_t at_ns)
{
    /* 1 when the packet was new and good: it is forwarded, kept, and Python will hear of it. */
    struct media_packet packet;
    double now_ms = (double)at_ns / 1e6;
    struct loss_detector *losses = &stream->media->losses;
    int was_whole = !losses->count && !losses->needs_keyframe;
    if (!stream_accept(stream->media, plain, bytes, now_ms, &packet))
        return 0;
    if (was_whole && (losses->count || losses->needs_keyframe))
        tell(plane); /* Python may be resting */
    for (int i = 0; i < stream->leg_count; i++)
        copy_to(plane, stream->legs[i], &packet, now_ms);
    stream->line->media_ns = at_ns;
    if (stream->is_tapped)
        record_media(plane, stream, plain, bytes, at_ns);
    if (packet.flags & FLAG_KEYFRAME)
        record(plane, RECORD_KEYFRAME, stream->id, plain, 0, at_ns);
    return 1;
}

void count_residence(struct line *line, uint64_t ns)
{
    int octave = 63 - __builtin_clzll(ns | 1);
    int bucket = octave < 10 ? 0 : octave >= 30 ? RESIDENCE_BUCKETS - 1 : (octave - 10) << 3 | (int)(ns >> (octave - 3) & 7);
    line->residence[bucket]++;
    line->residence_ns += ns;
}

static uint32_t ssrc_of(const uint8_t *packet)
{
    return (uint32_t)packet[8] << 24 | (uint32_t)packet[9] << 16 | (uint32_t)packet[10] << 8 | packet[11];
}

static struct stream *stream_of(const struct line *line, uint32_t ssrc)
{
    for (int i = 0; i < line->stream_count; i++)
        if (line->streams[i]->ssrc == ssrc)
            return line->streams[i];
    return NULL;
}

static int is_known(const struct line *line, uint32_t ssrc)
{
    for (int i = 0; i < line->source_count; i++)
        if (line->sources[i] == ssrc)
            return 1;
    return 0;
}

int media_in(struct plane *plane, struct line *line, uint8_t *packet, int bytes, uint64_t at_ns)
{
    /* 1 when it went to anybody. */
    if (!line || !line->rx || bytes < MIN_MEDIA)
        return 0;
    if ((int64_t)(at_ns - line->window_ns) > (int64_t)SECOND_NS) {
        line->window_ns = at_ns;
        line->window_count = line->stray_count = 0;
    }
    if (++line->window_count > plane->media_per_s) { /* before cryptography: that is what a flood would buy */
        line->limited++;
        return 0;
    }
    uint32_t ssrc = ssrc_of(packet);
    struct stream *stream = stream_of(line, ssrc);
    int is_new = !stream && !is_known(line, ssrc);
    if (is_new && (!line->sources || line->source_count == SOURCES_PER_LINE)) {
        line->limited++; /* every SSRC costs libsrtp memory and every later packet a longer search */
        return 0;
    }
    if (plane->unprotect(line->rx, packet, &bytes)) {
        line->refused++;
        return 0;
    }
    if (is_new)
        line->sources[line->source_count++] = ssrc;
    if (bytes < 12)
        return 0;
    note_arrival(line, packet, bytes, at_ns);
    if (!stream) { /* a repair, or a stream that begins: Python's work, so it is bounded like everything it must do */
        if (++line->stray_count <= plane->others_per_s)
            record(plane, RECORD_UNKNOWN, line->id, packet, bytes, at_ns);
        else
            line->limited++;
        return 0;
    }
    return stream_in(plane, stream, packet, bytes, at_ns) && stream->leg_count;
}

int is_media(const uint8_t *packet, int bytes)
{
    return bytes > 1 && packet[0] >= 128 && packet[0] < 192 && (packet[1] < 192 || packet[1] > 223);
}

static uint64_t arrival_ns(struct msghdr *head, uint64_t ahead_ns, uint64_t now_ns)
{
    /* The kernel stamped it on the wall clock; `ahead_ns` is how far that one is ahead of ours now. */
    for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c; c = CMSG_NXTHDR(head, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(c), sizeof t);
            uint64_t at_ns = (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec - ahead_ns;
            /* A wall clock that was just set gives nonsense: then the moment of reading must do. */
            return at_ns <= now_ns && now_ns - at_ns < SECOND_NS ? at_ns : now_ns;
        }
    }
    return now_ns;
}

static void other_in(struct plane *plane, struct peer *peer, const uint8_t *packet, int bytes, uint64_t at_ns)
{
    /* For Python. One peer must not fill the ring for all: their recordings go through it. */
    if ((int64_t)(at_ns - peer->window_ns) > (int64_t)SECOND_NS) {
        peer->window_ns = at_ns;
        peer->window_count = 0;
    }
    if (++peer->window_count <= plane->others_per_s)
        record(plane, RECORD_DATAGRAM, peer->id, packet, bytes, at_ns);
    else if (peer->line)
        peer->line->limited++;
}

int read_peer(struct plane *plane, struct peer *peer)
{
    /* How many datagrams were there. */
    int found = 0;
    static __thread _Alignas(16) uint8_t data[BATCH][DATAGRAM + 64];
    static __thread _Alignas(struct cmsghdr) char control[BATCH][64];
    struct mmsghdr heads[BATCH];
    struct iovec parts[BATCH];
    uint64_t stamps[BATCH];
    for (int turn = 0; turn < TURNS; turn++) {
        for (int i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){data[i], DATAGRAM};
            heads[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1,
                                               .msg_control = control[i], .msg_controllen = sizeof control[i]};
        }
        int count = recvmmsg(peer->fd, heads, BATCH, MSG_DONTWAIT, NULL);
        if (count <= 0) {
            if (count < 0 && errno == ECONNREFUSED)
                continue; /* "unreachable" from the peer's old network; silence will tell */
            return found;
        }
        found += count;
        uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
        uint64_t ahead_ns = clock_ns(CLOCK_REALTIME) - now_ns;
        for (int i = 0; i < count; i++) {
            int bytes = (int)heads[i].msg_len;
            uint64_t at_ns = arrival_ns(&heads[i].msg_hdr, ahead_ns, now_ns);
            stamps[i] = 0;
            if (is_media(data[i], bytes))
                stamps[i] = media_in(plane, peer->line, data[i], bytes, at_ns) ? at_ns : 0;
            else
                other_in(plane, peer, data[i], bytes, at_ns);
        }
        flush(plane, (double)now_ns / 1e6);
        uint64_t done_ns = clock_ns(CLOCK_MONOTONIC);
        for (int i = 0; i < count; i++)
            if (stamps[i])
                count_residence(peer->line, done_ns - stamps[i]);
        if (peer->line)
            tell_arrivals(plane, peer->line, now_ns);
        if (count < BATCH)
            break;
    }
    return found;
}
