/* Python's orders: lines, peers and streams come, change and go. Each takes the lock once. */
#include "inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

void free_stream(struct stream *stream)
{
    if (stream->media)
        stream_free(stream->media);
    free(stream->legs);
    free(stream);
}

void free_leg(struct leg *leg)
{
    if (leg->rewriter)
        rewriter_free(leg->rewriter);
    free(leg);
}

void free_line(struct line *line)
{
    free(line->history);
    free(line->arrivals);
    free(line->burst);
    free(line);
}

/* Lines */

uint32_t line_open(struct plane *plane)
{
    struct line *line = calloc(1, sizeof *line);
    if (!line)
        return 0;
    line->fd = -1;
    line->history = calloc(WIDE_HISTORY, sizeof *line->history);
    line->burst = plane->is_single ? NULL : calloc(1, sizeof *line->burst);
    enter(plane);
    line->id = table_add(&plane->lines, line);
    uint32_t id = line->id;
    leave(plane);
    if (!id)
        free_line(line);
    return id;
}

void line_keys(struct plane *plane, uint32_t id, uintptr_t rx, uintptr_t tx)
{
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    if (line) {
        line->rx = (void *)rx;
        line->tx = (void *)tx;
    }
    leave(plane);
}

void line_route(struct plane *plane, uint32_t id, int fd)
{
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    if (line)
        line->fd = fd;
    leave(plane);
}

void line_receive(struct plane *plane, uint32_t id, const uint8_t *packet, int bytes, uint64_t at_ns)
{
    uint8_t copy[DATAGRAM + 64];
    if (bytes < 0 || bytes > DATAGRAM)
        return;
    memcpy(copy, packet, (size_t)bytes);
    enter(plane);
    if (is_media(copy, bytes))
        media_in(plane, table_get(&plane->lines, id), copy, bytes, at_ns);
    flush(plane, (double)at_ns / 1e6);
    leave(plane);
}

int line_send(struct plane *plane, uint32_t id, const uint8_t *plain, int bytes, int wide_at, double now_ms)
{
    uint8_t copy[DATAGRAM + 64];
    if (bytes < 12 || bytes > MAX_PLAIN)
        return -1;
    memcpy(copy, plain, (size_t)bytes);
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    int result = -1;
    if (line) {
        number_widely(line, copy, bytes, wide_at, now_ms);
        result = transmit(plane, line, NULL, copy, bytes, now_ms);
        flush(plane, now_ms);
    }
    leave(plane);
    return result;
}

void line_watch_numbers(struct plane *plane, uint32_t id, int extension_id)
{
    /* Collect when packets with the sender's transport-wide numbers arrive; 0: no more. */
    struct arrival *arrivals = extension_id ? calloc(ARRIVALS, sizeof *arrivals) : NULL;
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    if (line) {
        line->number_id = extension_id;
        if (!line->arrivals) {
            line->arrivals = arrivals;
            arrivals = NULL;
        }
    }
    leave(plane);
    free(arrivals);
}

int line_arrivals(struct plane *plane, uint32_t id, uint16_t *numbers, uint64_t *at_ns, int capacity)
{
    /* Takes what was collected since the last call, in the order it came. */
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    int count = line ? line->arrival_count : 0;
    count = count < capacity ? count : capacity;
    for (int i = 0; i < count; i++) {
        numbers[i] = line->arrivals[i].number;
        at_ns[i] = line->arrivals[i].at_ns;
    }
    if (line)
        line->arrival_count = 0;
    leave(plane);
    return count;
}

int64_t line_newest(struct plane *plane, uint32_t id)
{
    /* The transport-wide number given out last, 16 bits; -1 before the first. */
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    int64_t newest = line && line->wide ? (int64_t)((line->wide - 1) & 0xFFFF) : -1;
    leave(plane);
    return newest;
}

int line_sent(struct plane *plane, uint32_t id, uint16_t first, int count, double *sent_ms, uint32_t *bytes)
{
    /* The times and sizes of `count` transport-wide numbers from `first`; bytes 0 where none is known. */
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    int found = 0;
    for (int i = 0; i < count; i++) {
        bytes[i] = 0;
        if (!line || !line->history || !line->wide)
            continue;
        uint16_t behind = (uint16_t)((uint16_t)(line->wide - 1) - (uint16_t)(first + i));
        if (behind >= WIDE_HISTORY || behind > line->wide - 1)
            continue;
        uint64_t number = line->wide - 1 - behind;
        const struct sent *sent = &line->history[number % WIDE_HISTORY];
        if (sent->number == number && sent->bytes) {
            sent_ms[i] = sent->sent_ms;
            bytes[i] = sent->bytes;
            found++;
        }
    }
    leave(plane);
    return found;
}

uint64_t line_residence(struct plane *plane, uint32_t id, uint64_t *counts)
{
    /* Takes what was counted since the last call; the sum in ns. */
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    uint64_t sum_ns = line ? line->residence_ns : 0;
    memset(counts, 0, RESIDENCE_BUCKETS * sizeof *counts);
    if (line) {
        memcpy(counts, line->residence, sizeof line->residence);
        memset(line->residence, 0, sizeof line->residence);
        line->residence_ns = 0;
    }
    leave(plane);
    return sum_ns;
}

void line_counters(struct plane *plane, uint32_t id, uint64_t *refused, uint64_t *limited)
{
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    *refused = line ? line->refused : 0;
    *limited = line ? line->limited : 0;
    leave(plane);
}

static void close_stream(struct plane *plane, struct stream *stream)
{
    struct line *line = stream->line;
    for (int i = 0; i < line->stream_count; i++)
        if (line->streams[i] == stream)
            line->streams[i--] = line->streams[--line->stream_count];
    table_remove(&plane->streams, stream->id);
    free_stream(stream);
}

void close_leg(struct plane *plane, struct leg *leg)
{
    for (uint32_t i = 0; i < plane->streams.size; i++) {
        struct stream *stream = plane->streams.items[i];
        for (int j = 0; stream && j < stream->leg_count; j++)
            if (stream->legs[j] == leg)
                stream->legs[j--] = stream->legs[--stream->leg_count];
    }
    table_remove(&plane->legs, leg->id);
    free_leg(leg);
}

void line_close(struct plane *plane, uint32_t id)
{
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    if (line) {
        while (line->stream_count)
            close_stream(plane, line->streams[0]);
        for (uint32_t i = 0; i < plane->legs.size; i++) {
            struct leg *leg = plane->legs.items[i];
            if (leg && leg->line == line)
                close_leg(plane, leg);
        }
        for (uint32_t i = 0; i < plane->peers.size; i++) {
            struct peer *peer = plane->peers.items[i];
            if (peer && peer->line == line)
                peer->line = NULL;
        }
        table_remove(&plane->lines, id);
        free_line(line);
    }
    leave(plane);
}

/* Peers */

uint32_t peer_open(struct plane *plane, int fd, uint32_t line_id)
{
    int on = 1;
    struct peer *peer = calloc(1, sizeof *peer);
    if (!peer)
        return 0;
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on))
        errno = 0; /* then the moment of reading must do */
    peer->fd = fd;
    enter(plane);
    peer->line = table_get(&plane->lines, line_id);
    peer->id = table_add(&plane->peers, peer);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = peer->id};
    if (peer->id && epoll_ctl(plane->epoll_fd, EPOLL_CTL_ADD, fd, &event)) {
        table_remove(&plane->peers, peer->id);
        peer->id = 0;
    }
    leave(plane);
    uint32_t id = peer->id;
    if (!id)
        free(peer);
    return id;
}

void peer_close(struct plane *plane, uint32_t id)
{
    enter(plane);
    struct peer *peer = table_get(&plane->peers, id);
    if (peer) {
        read_peer(plane, peer); /* what already arrived */
        epoll_ctl(plane->epoll_fd, EPOLL_CTL_DEL, peer->fd, NULL);
        if (peer->line && peer->line->fd == peer->fd)
            peer->line->fd = -1;
        table_remove(&plane->peers, id);
        free(peer);
    }
    leave(plane);
}

/* Streams */

uint32_t stream_open(struct plane *plane, uint32_t line_id, const struct stream_facts *facts)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return 0;
    stream->ssrc = facts->ssrc;
    stream->media = stream_new(facts->ssrc, facts->codec, facts->payload_type, facts->red_payload_type,
                               facts->audio_level_id);
    enter(plane);
    stream->line = table_get(&plane->lines, line_id);
    if (stream->media && stream->line && stream->line->stream_count < STREAMS_PER_LINE) {
        stream->id = table_add(&plane->streams, stream);
        if (stream->id)
            stream->line->streams[stream->line->stream_count++] = stream;
    }
    leave(plane);
    uint32_t id = stream->id;
    if (!id)
        free_stream(stream);
    return id;
}

void stream_shut(struct plane *plane, uint32_t id)
{
    enter(plane);
    struct stream *stream = table_get(&plane->streams, id);
    if (stream)
        close_stream(plane, stream);
    leave(plane);
}

int stream_route(struct plane *plane, uint32_t id, const uint32_t *leg_ids, int count)
{
    struct leg **legs = count ? calloc((size_t)count, sizeof *legs) : NULL;
    if (count && !legs)
        return -1;
    int found = 0;
    enter(plane);
    struct stream *stream = table_get(&plane->streams, id);
    if (stream) {
        for (int i = 0; i < count; i++)
            if ((legs[found] = table_get(&plane->legs, leg_ids[i])))
                found++;
        struct leg **before = stream->legs;
        stream->legs = legs;
        stream->leg_count = found;
        legs = before;
    }
    leave(plane);
    free(legs);
    return found;
}

void stream_receive(struct plane *plane, uint32_t id, const uint8_t *plain, int bytes, uint64_t at_ns)
{
    enter(plane);
    struct stream *stream = table_get(&plane->streams, id);
    if (stream && bytes >= 12 && bytes <= DATAGRAM)
        stream_in(plane, stream, plain, bytes, at_ns);
    flush(plane, (double)at_ns / 1e6);
    leave(plane);
}

int stream_replay(struct plane *plane, uint32_t id, uint32_t leg_id, double now_ms)
{
    enter(plane);
    struct stream *stream = table_get(&plane->streams, id);
    struct leg *leg = table_get(&plane->legs, leg_id);
    int count = 0;
    if (stream && leg) {
        const struct media_packet *kept[REPLAY_PACKETS];
        count = cache_since_keyframe(stream->media->cache, REPLAY_PACKETS, kept, REPLAY_PACKETS);
        for (int i = 0; i < count; i++)
            copy_to(plane, leg, kept[i], now_ms);
        flush(plane, now_ms);
    }
    leave(plane);
    return count;
}
