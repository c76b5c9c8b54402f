/* The lock, and the bounded ring through which Python sees what the thread saw.
 *
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

static void ring_copy(struct plane *plane, size_t at, const void *data, size_t bytes)
{
    size_t first = plane->ring_bytes - at < bytes ? plane->ring_bytes - at : bytes;
    memcpy(plane->ring + at, data, first);
    memcpy(plane->ring, (const uint8_t *)data + first, bytes - first);
}

static void tell(struct plane *plane)
{
    uint64_t one = 1;
    if (!plane->is_told) {
        plane->is_told = 1;
        if (write(plane->event_fd, &one, sizeof one) < 0)
            plane->is_told = 0; /* the next record tries again */
    }
}

static int push(struct plane *plane, struct plane_record head, const void *data)
{
    size_t need = sizeof head + ((size_t)head.bytes + 7) / 8 * 8;
    if (plane->used + need > plane->ring_bytes) {
        plane->facts.ring_dropped++;
        tell(plane);
        return 0;
    }
    size_t tail = (plane->head + plane->used) % plane->ring_bytes;
    ring_copy(plane, tail, &head, sizeof head);
    ring_copy(plane, (tail + sizeof head) % plane->ring_bytes, data, head.bytes);
    plane->used += need;
    if (head.kind != RECORD_MEDIA || plane->used > plane->ring_bytes / 4)
        tell(plane); /* media can wait for Python's own tick */
    return 1;
}

void record(struct plane *plane, int kind, uint32_t id, const void *data, int bytes, uint64_t at_ns)
{
    push(plane, (struct plane_record){.at_ns = at_ns, .id = id, .bytes = (uint16_t)bytes, .kind = (uint16_t)kind}, data);
}

int record_send(struct plane *plane, uint32_t line, const struct leg *leg, const void *data, int bytes)
{
    /* 0 when the ring is full: for the leg that is a full send buffer. */
    struct plane_record head = {
        .sequence = leg ? leg->id : 0,
        .timestamp = leg ? leg->cuts : 0,
        .id = line,
        .bytes = (uint16_t)bytes,
        .kind = RECORD_SEND,
    };
    return push(plane, head, data);
}

void record_media(struct plane *plane, struct stream *stream, const struct media_packet *packet, const void *data,
                  int bytes, uint64_t at_ns)
{
    struct plane_record head = {
        .at_ns = at_ns,
        .sequence = packet->sequence,
        .timestamp = packet->timestamp,
        .flags = packet->flags | (stream->has_hole ? RECORD_AFTER_HOLE : 0),
        .is_red = packet->kind == KIND_RED,
        .audio_level = (int16_t)packet->audio_level,
        .id = stream->id,
        .bytes = (uint16_t)bytes,
        .kind = RECORD_MEDIA,
    };
    stream->has_hole = !push(plane, head, data);
}

static int was_cut(const struct plane *plane, const struct plane_record *head)
{
    /* A packet for Python to send, of a leg that was silenced or closed since. */
    const struct leg *leg = table_get(&plane->legs, (uint32_t)head->sequence);
    return head->kind == RECORD_SEND && head->sequence && (!leg || leg->cuts != head->timestamp);
}

int plane_drain(struct plane *plane, uint8_t *out, int capacity)
{
    enter(plane);
    uint64_t count;
    size_t copied = 0;
    if (plane->is_told && read(plane->event_fd, &count, sizeof count) < 0)
        count = 0;
    plane->is_told = 0;
    while (plane->used) {
        struct plane_record head;
        size_t at = plane->head, first = plane->ring_bytes - at < sizeof head ? plane->ring_bytes - at : sizeof head;
        memcpy(&head, plane->ring + at, first);
        memcpy((uint8_t *)&head + first, plane->ring, sizeof head - first);
        size_t need = sizeof head + ((size_t)head.bytes + 7) / 8 * 8;
        if (!was_cut(plane, &head)) {
            if (copied + need > (size_t)capacity)
                break;
            first = plane->ring_bytes - at < need ? plane->ring_bytes - at : need;
            memcpy(out + copied, plane->ring + at, first);
            memcpy(out + copied + first, plane->ring, need - first);
            copied += need;
        }
        plane->head = (at + need) % plane->ring_bytes;
        plane->used -= need;
    }
    if (plane->used)
        tell(plane);
    leave(plane);
    return (int)copied;
}
