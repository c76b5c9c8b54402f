/* Recent packets of one stream: a ring by unwrapped sequence number that owns a copy of every payload. */
#include "media.h"

#include <stdlib.h>
#include <string.h>

#define MAX_CAPACITY (1 << 16)

struct slot {
    struct media_packet packet; /* sequence -1: empty */
    uint8_t bytes[MAX_PACKET_BYTES];
};

struct packet_cache {
    int64_t newest;
    int64_t keyframe; /* where the last key frame starts */
    int64_t mask;
    struct slot slots[];
};

struct packet_cache *cache_new(int capacity)
{
    if (capacity < 1 || capacity > MAX_CAPACITY || (capacity & (capacity - 1)) != 0)
        return NULL;
    struct packet_cache *cache = malloc(sizeof *cache + (size_t)capacity * sizeof(struct slot));
    if (cache == NULL)
        return NULL;
    cache->mask = capacity - 1;
    cache_clear(cache);
    return cache;
}

void cache_free(struct packet_cache *cache)
{
    free(cache);
}

void cache_clear(struct packet_cache *cache)
{
    cache->newest = cache->keyframe = -1;
    for (int64_t at = 0; at <= cache->mask; at++)
        cache->slots[at].packet.sequence = -1;
}

int64_t cache_newest(const struct packet_cache *cache)
{
    return cache->newest;
}

int cache_put(struct packet_cache *cache, const struct media_packet *packet)
{
    int64_t sequence = packet->sequence;
    if (sequence < 0 || packet->payload_bytes < 0 || packet->payload_bytes > MAX_PACKET_BYTES)
        return 0;
    struct slot *slot = &cache->slots[sequence & cache->mask];
    if (sequence > cache->newest)
        cache->newest = sequence;
    else if (sequence <= cache->newest - (cache->mask + 1) || slot->packet.sequence == sequence)
        return 0;
    slot->packet = *packet;
    if (packet->payload_bytes > 0)
        memcpy(slot->bytes, packet->payload, (size_t)packet->payload_bytes);
    slot->packet.payload = slot->bytes;
    if (packet->tail != NULL) /* lies inside the payload */
        slot->packet.tail = slot->bytes + (packet->tail - packet->payload);
    if (packet->flags & FLAG_KEYFRAME && sequence > cache->keyframe)
        cache->keyframe = sequence;
    return 1;
}

const struct media_packet *cache_get(const struct packet_cache *cache, int64_t sequence, double now_ms)
{
    const struct media_packet *packet = &cache->slots[sequence & cache->mask].packet;
    if (sequence < 0 || packet->sequence != sequence)
        return NULL;
    return now_ms >= 0 && now_ms - packet->arrival_ms > (double)HISTORY_MS ? NULL : packet;
}

int cache_since_keyframe(const struct packet_cache *cache, int max_packets, const struct media_packet **out, int room)
{
    int64_t start = cache->keyframe, newest = cache->newest, capacity = cache->mask + 1;
    if (start < 0 || newest - start >= (max_packets < capacity ? max_packets : capacity))
        return 0;
    const struct media_packet *first = cache_get(cache, start, -1.0);
    if (first == NULL)
        return 0;
    int found = 0;
    for (int64_t sequence = start; sequence <= newest; sequence++) {
        const struct media_packet *packet = cache_get(cache, sequence, -1.0);
        if (packet == NULL) {
            if (found > 0 && out[found - 1]->timestamp == first->timestamp && !out[found - 1]->marker)
                return 0;
            continue;
        }
        if (packet->flags & FLAG_EMPTY)
            continue;
        if (found == room)
            return 0;
        out[found++] = packet;
    }
    return found;
}
