/* The packet's way: read, open SRTP, forward to every leg, close SRTP, send. No allocation, no Python. */
#include "inside.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

uint64_t clock_ns(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

/* Sending */

static void congested(struct leg *leg, double now_ms)
{
    if (!leg)
        return; /* a repair: it will be asked for again */
    leg->dropped++;
    if (leg->is_video) { /* a torn picture is worse than a still one: wait for a whole one */
        rewriter_pause(leg->rewriter);
        leg->blocked_until_ms = now_ms + CONGESTION_MS;
    }
}

static int is_full(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS;
}

static void send_one(struct plane *plane, struct line *line, struct leg *leg, const uint8_t *packet, int bytes,
                     double now_ms)
{
    if (send(line->fd, packet, (size_t)bytes, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        plane->facts.forwarded++;
    else if (is_full(errno))
        congested(leg, now_ms);
    else
        plane->facts.failed++;
}

static int send_segmented(int fd, const struct burst *burst)
{
    /* One trip through the kernel for the whole burst (UDP_SEGMENT); on the wire they are the same datagrams. */
    char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
    struct iovec part = {(void *)burst->data, (size_t)burst->bytes};
    struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&head);
    uint16_t size = (uint16_t)burst->size;
    c->cmsg_level = SOL_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof size);
    memcpy(CMSG_DATA(c), &size, sizeof size);
    return sendmsg(fd, &head, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ? 0 : errno;
}

static void flush_line(struct plane *plane, struct line *line, double now_ms)
{
    struct burst *burst = line->burst;
    if (!burst || !burst->count)
        return;
    int error = burst->count == 1 || line->is_single ? EIO : send_segmented(line->fd, burst);
    if (!error) {
        plane->facts.forwarded += (uint64_t)burst->count;
    } else if (is_full(error)) {
        for (int i = 0; i < burst->count; i++)
            congested(burst->legs[i], now_ms);
    } else { /* alone, or a way that takes no bursts (EIO: no checksum offload, EINVAL: larger than its MTU) */
        line->is_single |= burst->count > 1 && (error == EIO || error == EINVAL);
        for (int i = 0, at = 0; i < burst->count; i++, at += burst->size)
            send_one(plane, line, burst->legs[i], burst->data + at,
                     burst->bytes - at < burst->size ? burst->bytes - at : burst->size, now_ms);
    }
    burst->count = burst->bytes = burst->is_ended = 0;
}

void flush(struct plane *plane, double now_ms)
{
    for (int i = 0; i < plane->pending_count; i++)
        flush_line(plane, plane->pending[i], now_ms);
    plane->pending_count = 0;
}

static void queue(struct plane *plane, struct line *line, struct leg *leg, const uint8_t *packet, int bytes,
                  double now_ms)
{
    struct burst *burst = line->burst;
    if (burst->count &&
        (burst->is_ended || burst->count == BURST_PACKETS || bytes > burst->size))
        flush_line(plane, line, now_ms);
    if (!burst->count) {
        burst->size = bytes;
        int is_listed = 0;
        for (int i = 0; i < plane->pending_count && !is_listed; i++)
            is_listed = plane->pending[i] == line;
        if (!is_listed) {
            if (plane->pending_count == PENDING_LINES)
                flush(plane, now_ms);
            plane->pending[plane->pending_count++] = line;
        }
    }
    burst->is_ended = bytes < burst->size;
    burst->legs[burst->count++] = leg;
    memcpy(burst->data + burst->bytes, packet, (size_t)bytes);
    burst->bytes += bytes;
}

int transmit(struct plane *plane, struct line *line, struct leg *leg, uint8_t *packet, int bytes, double now_ms)
{
    /* 0, or -1 when it could not be protected. `packet` has room for the SRTP trailer; `leg` NULL for a repair. */
    if (!line->tx || bytes > MAX_PLAIN || plane->protect(line->tx, packet, &bytes)) {
        plane->facts.failed++;
        return -1;
    }
    if (line->fd < 0) {
        record(plane, RECORD_SEND, line->id, packet, bytes, 0);
        plane->facts.forwarded++;
    } else if (line->burst && bytes <= BURST_SIZE) {
        queue(plane, line, leg, packet, bytes, now_ms);
    } else {
        send_one(plane, line, leg, packet, bytes, now_ms);
    }
    return 0;
}

void number_widely(struct line *line, uint8_t *packet, int bytes, int wide_at, double now_ms)
{
    if (!wide_at || wide_at + 2 > bytes || !line->history)
        return;
    packet[wide_at] = (uint8_t)(line->wide >> 8);
    packet[wide_at + 1] = (uint8_t)line->wide;
    line->history[line->wide % WIDE_HISTORY] = (struct sent){line->wide, now_ms, (uint32_t)bytes};
    line->wide++;
}

void copy_to(struct plane *plane, struct leg *leg, const struct media_packet *packet, double now_ms)
{
    int bytes = rewriter_forward(leg->rewriter, packet, plane->out, DATAGRAM);
    if (bytes <= 0)
        return;
    number_widely(leg->line, plane->out, bytes, leg->wide_at, now_ms);
    transmit(plane, leg->line, leg, plane->out, bytes, now_ms);
}

/* Receiving */

int stream_in(struct plane *plane, struct stream *stream, const uint8_t *plain, int bytes, uint64_t at_ns)
{
    /* 1 when the packet was new and good: it is forwarded, kept, and Python will hear of it. */
    struct media_packet packet;
    double now_ms = (double)at_ns / 1e6;
    if (!stream_accept(stream->media, plain, bytes, now_ms, &packet))
        return 0;
    for (int i = 0; i < stream->leg_count; i++)
        copy_to(plane, stream->legs[i], &packet, now_ms);
    record_media(plane, stream->id, &packet, plain, bytes, at_ns);
    return 1;
}

void count_residence(struct plane *plane, struct line *line, uint64_t ns)
{
    int octave = 63 - __builtin_clzll(ns | 1);
    int bucket = octave < 10 ? 0 : octave >= 30 ? RESIDENCE_BUCKETS - 1 : (octave - 10) << 3 | (int)(ns >> (octave - 3) & 7);
    plane->facts.residence[bucket]++;
    plane->facts.residence_ns += ns;
    line->residence[bucket]++;
    line->residence_ns += ns;
}

struct stream *stream_of(const struct line *line, const uint8_t *packet)
{
    uint32_t ssrc = (uint32_t)packet[8] << 24 | (uint32_t)packet[9] << 16 | (uint32_t)packet[10] << 8 | packet[11];
    for (int i = 0; i < line->stream_count; i++)
        if (line->streams[i]->ssrc == ssrc)
            return line->streams[i];
    return NULL;
}

static void note_arrival(struct line *line, const uint8_t *packet, int bytes, uint64_t at_ns)
{
    int size = 0;
    const uint8_t *element = line->number_id ? packet_extension(packet, bytes, line->number_id, &size) : NULL;
    if (element && size == 2 && line->arrivals && line->arrival_count < ARRIVALS)
        line->arrivals[line->arrival_count++] = (struct arrival){at_ns, (uint16_t)(element[0] << 8 | element[1])};
}

int media_in(struct plane *plane, struct line *line, uint8_t *packet, int bytes, uint64_t at_ns)
{
    /* 1 when it went to anybody. */
    if (!line || !line->rx || bytes < MIN_MEDIA)
        return 0;
    if ((int64_t)(at_ns - line->window_ns) > (int64_t)SECOND_NS) {
        line->window_ns = at_ns;
        line->window_count = 0;
    }
    if (++line->window_count > plane->media_per_s) { /* before cryptography: that is what a flood would buy */
        line->limited++;
        return 0;
    }
    if (plane->unprotect(line->rx, packet, &bytes)) {
        line->refused++;
        return 0;
    }
    if (bytes < 12)
        return 0;
    note_arrival(line, packet, bytes, at_ns);
    struct stream *stream = stream_of(line, packet);
    if (!stream) {
        record(plane, RECORD_UNKNOWN, line->id, packet, bytes, at_ns);
        return 0;
    }
    return stream_in(plane, stream, packet, bytes, at_ns) && stream->leg_count;
}

int is_media(const uint8_t *packet, int bytes)
{
    return bytes > 1 && packet[0] >= 128 && packet[0] < 192 && (packet[1] < 192 || packet[1] > 223);
}

uint64_t arrival_ns(struct msghdr *head, uint64_t ahead_ns, uint64_t now_ns)
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

void read_peer(struct plane *plane, struct peer *peer)
{
    static __thread uint8_t data[BATCH][DATAGRAM + 64];
    static __thread char control[BATCH][64];
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
            return;
        }
        uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
        uint64_t ahead_ns = clock_ns(CLOCK_REALTIME) - now_ns;
        for (int i = 0; i < count; i++) {
            int bytes = (int)heads[i].msg_len;
            uint64_t at_ns = arrival_ns(&heads[i].msg_hdr, ahead_ns, now_ns);
            stamps[i] = 0;
            if (is_media(data[i], bytes))
                stamps[i] = media_in(plane, peer->line, data[i], bytes, at_ns) ? at_ns : 0;
            else
                record(plane, RECORD_DATAGRAM, peer->id, data[i], bytes, at_ns);
        }
        flush(plane, (double)now_ns / 1e6);
        uint64_t done_ns = clock_ns(CLOCK_MONOTONIC);
        for (int i = 0; i < count; i++)
            if (stamps[i])
                count_residence(plane, peer->line, done_ns - stamps[i]);
        if (count < BATCH)
            return;
    }
}
