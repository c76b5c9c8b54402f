/* Python's orders: peers and streams come and go, and all that hangs on a line goes with it. Each takes the lock once. */
#include "inside.h"

#include <errno.h>
#include <stdlib.h>
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
    feedback_free(line->feedback);
    free(line->burst);
    free(line->sources);
    free(line);
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
        forget_held(plane, line);
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

int plane_catch_up(struct plane *plane)
{
    /* Reads what waits at the sockets now, for a moment when the thread itself may be late: how many datagrams. */
    int found = 0;
    enter(plane);
    for (uint32_t i = 0; i < plane->peers.size; i++)
        if (plane->peers.items[i])
            found += read_peer(plane, plane->peers.items[i]);
    leave(plane);
    return found;
}

void peer_close(struct plane *plane, uint32_t id)
{
    enter(plane);
    struct peer *peer = table_get(&plane->peers, id);
    if (peer) {
        read_peer(plane, peer); /* what already arrived */
        epoll_ctl(plane->epoll_fd, EPOLL_CTL_DEL, peer->fd, NULL);
        for (uint32_t i = 0; i < plane->lines.size; i++) { /* the number will soon be another socket's */
            struct line *line = plane->lines.items[i];
            if (line && line->fd == peer->fd)
                line->fd = -1;
        }
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
    stream->media = stream_new(facts->ssrc, facts->codec, facts->clock_rate_hz, facts->payload_type,
                               facts->red_payload_type, facts->audio_level_id, &facts->rules);
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

void stream_forget(struct plane *plane, uint32_t id)
{
    /* Nothing that came so far will be sent again or start a newcomer. */
    enter(plane);
    struct stream *stream = table_get(&plane->streams, id);
    if (stream)
        cache_clear(stream->media->cache);
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
