/* The lock, and the bounded rings through which Python sees what the thread saw.
 *
 * Two: packets of recorded streams, which Python takes when it likes, and everything else, for which it is woken.
 * Overflow: the newest record is dropped and counted, what is forwarded is not touched.
 */
#include "inside.h"

#include <string.h>
#include <unistd.h>

void enter(struct plane *plane)
{
    atomic_fetch_add(&plane->waiting, 1);
    pthread_mutex_lock(&plane->lock);
    atomic_fetch_sub(&plane->waiting, 1);
}

void leave(struct plane *plane)
{
    pthread_mutex_unlock(&plane->lock);
}

static void ring_copy(struct ring *ring, size_t at, const void *data, size_t bytes)
{
    size_t first = ring->bytes - at < bytes ? ring->bytes - at : bytes;
    memcpy(ring->data + at, data, first);
    memcpy(ring->data, (const uint8_t *)data + first, bytes - first);
}

static void ring_read(const struct ring *ring, void *out, size_t bytes)
{
    size_t first = ring->bytes - ring->head < bytes ? ring->bytes - ring->head : bytes;
    memcpy(out, ring->data + ring->head, first);
    memcpy((uint8_t *)out + first, ring->data, bytes - first);
}

static size_t padded(size_t bytes)
{
    return (bytes + 7) / 8 * 8;
}

void tell(struct plane *plane)
{
    uint64_t one = 1;
    if (!plane->is_told) {
        plane->is_told = 1;
        if (write(plane->event_fd, &one, sizeof one) < 0)
            plane->is_told = 0; /* the next record tries again */
    }
}

static int push(struct plane *plane, struct ring *ring, const void *head, size_t head_bytes, const void *data,
                size_t bytes)
{
    size_t need = head_bytes + padded(bytes);
    if (ring->used + need > ring->bytes) {
        plane->facts.ring_dropped++;
        tell(plane);
        return 0;
    }
    size_t tail = (ring->head + ring->used) % ring->bytes;
    ring_copy(ring, tail, head, head_bytes);
    ring_copy(ring, (tail + head_bytes) % ring->bytes, data, bytes);
    ring->used += need;
    return 1;
}

static int push_other(struct plane *plane, const struct plane_record *head, const void *data)
{
    int is_in = push(plane, &plane->others, head, sizeof *head, data, head->bytes);
    if (is_in && head->kind != RECORD_KEYFRAME)
        tell(plane); /* a key frame can wait for Python's own tick */
    return is_in;
}

void record(struct plane *plane, int kind, uint32_t id, const void *data, int bytes, uint64_t at_ns)
{
    const struct plane_record head = {.at_ns = at_ns, .id = id, .bytes = (uint16_t)bytes, .kind = (uint16_t)kind};
    push_other(plane, &head, data);
}

int record_send(struct plane *plane, uint32_t line, const struct leg *leg, const void *data, int bytes)
{
    /* 0 when the ring is full: for the leg that is a full send buffer. */
    const struct plane_record head = {
        .leg = leg ? leg->id : 0,
        .cuts = leg ? leg->cuts : 0,
        .id = line,
        .bytes = (uint16_t)bytes,
        .kind = RECORD_SEND,
    };
    return push_other(plane, &head, data);
}

void record_media(struct plane *plane, struct stream *stream, const void *data, int bytes, uint64_t at_ns)
{
    const struct plane_packet head = {
        .at_ns = at_ns,
        .id = stream->id,
        .bytes = (uint16_t)bytes,
        .is_after_hole = (uint16_t)stream->has_hole,
    };
    stream->has_hole = !push(plane, &plane->media, &head, sizeof head, data, (size_t)bytes);
    if (plane->media.used > plane->media.bytes / 4)
        tell(plane);
}

static int was_cut(const struct plane *plane, const struct plane_record *head)
{
    /* A packet for Python to send, of a leg that was silenced or closed since. */
    const struct leg *leg = table_get(&plane->legs, head->leg);
    return head->kind == RECORD_SEND && head->leg && (!leg || leg->cuts != head->cuts);
}

static void advance(struct ring *ring, size_t bytes)
{
    ring->head = (ring->head + bytes) % ring->bytes;
    ring->used -= bytes;
}

static size_t drain_others(struct plane *plane, uint8_t *out, size_t capacity)
{
    struct ring *ring = &plane->others;
    size_t copied = 0;
    while (ring->used) {
        struct plane_record head;
        ring_read(ring, &head, sizeof head);
        size_t need = sizeof head + padded(head.bytes);
        if (!was_cut(plane, &head)) {
            if (copied + need > capacity)
                break;
            ring_read(ring, out + copied, need);
            copied += need;
        }
        advance(ring, need);
    }
    return copied;
}

static size_t drain_media(struct plane *plane, uint8_t *out, size_t capacity)
{
    struct ring *ring = &plane->media;
    size_t copied = 0;
    while (ring->used) {
        struct plane_packet head;
        ring_read(ring, &head, sizeof head);
        size_t need = sizeof head + padded(head.bytes);
        if (copied + need > capacity)
            break;
        ring_read(ring, out + copied, need);
        copied += need;
        advance(ring, need);
    }
    return copied;
}

static void look_around(struct plane *plane, struct plane_news *news)
{
    /* What Python must do something about, though no record says so. */
    uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    news->media_bytes = plane->media.used;
    news->troubled = 0;
    for (uint32_t i = 0; i < plane->lines.size; i++) {
        struct line *line = plane->lines.items[i];
        if (!line || !line->stream_count)
            continue;
        tell_arrivals(plane, line, now_ns); /* nothing more may come that would make the thread do it */
        for (int j = 0; j < line->stream_count; j++) {
            const struct loss_detector *losses = &line->streams[j]->media->losses;
            if ((losses->count || losses->needs_keyframe) && news->troubled < TROUBLED_STREAMS)
                news->streams[news->troubled++] = line->streams[j]->id;
        }
    }
}

int plane_drain(struct plane *plane, int is_media, uint8_t *out, int capacity, struct plane_news *news)
{
    enter(plane);
    uint64_t count;
    if (plane->is_told && !is_media) {
        if (read(plane->event_fd, &count, sizeof count) < 0)
            count = 0;
        plane->is_told = 0;
    }
    size_t copied = (is_media ? drain_media : drain_others)(plane, out, (size_t)capacity);
    if (is_media ? plane->media.used > plane->media.bytes / 4 : plane->others.used)
        tell(plane);
    look_around(plane, news);
    leave(plane);
    return (int)copied;
}
