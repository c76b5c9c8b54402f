/* The floor under every forwarding server: protect and send, nothing else.
 *
 * Built by bench/floor.py with the system's compiler. The pattern is that of a hearing where everybody watches
 * everybody: each member speaks every 20 ms (one packet) and shows a picture 30 times a second (four packets, every
 * tenth time five), each packet goes to every other member, each copy under that member's own key and on a socket of
 * its own. No reading, no rewriting, no numbering beyond what the cipher asks for.
 */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

typedef int (*protect_fn)(void *context, void *packet, int *size);

enum { HEADER = 12, AUDIO = HEADER + 12 + 120, PICTURE = HEADER + 8 + 6 + 1012, ROOM = 2048, MEMBERS = 64 };
static const uint64_t AUDIO_NS = 20000000, PICTURE_NS = 33333333;

static uint64_t now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static void wait_until(uint64_t at_ns)
{
    struct timespec at = {(time_t)(at_ns / 1000000000u), (long)(at_ns % 1000000000u)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void put32(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 24), to[1] = (uint8_t)(value >> 16), to[2] = (uint8_t)(value >> 8), to[3] = (uint8_t)value;
}

/* Send for `length_s`; how many packets went out, -1 when one could not be protected. */
int64_t floor_run(uintptr_t protect, const uintptr_t *contexts, const int *sockets, int members, double length_s)
{
    static uint16_t sequence[2][MEMBERS];
    uint64_t due[2][MEMBERS], end_ns;
    uint8_t plain[ROOM], packet[ROOM];
    int64_t sent = 0;
    long pictures = 0;

    if (members > MEMBERS)
        return -1;
    memset(plain, 0, sizeof plain);
    end_ns = now_ns();
    for (int member = 0; member < members; member++) {
        due[0][member] = end_ns + AUDIO_NS * (uint64_t)member / (uint64_t)members;
        due[1][member] = end_ns + PICTURE_NS * (uint64_t)member / (uint64_t)members;
    }
    end_ns += (uint64_t)(length_s * 1e9);
    for (;;) {
        int kind = 0, member = 0, burst = 1, size = AUDIO;
        for (int k = 0; k < 2; k++)
            for (int m = 0; m < members; m++)
                if (due[k][m] < due[kind][member])
                    kind = k, member = m;
        if (due[kind][member] >= end_ns)
            return sent;
        wait_until(due[kind][member]);
        due[kind][member] += kind ? PICTURE_NS : AUDIO_NS;
        if (kind) {
            burst = 4 + (++pictures % 10 == 0);
            size = PICTURE;
        }
        while (burst--) {
            uint16_t number = ++sequence[kind][member];
            plain[0] = 0x80, plain[1] = kind ? 96 : 111;
            plain[2] = (uint8_t)(number >> 8), plain[3] = (uint8_t)number;
            put32(plain + 8, (uint32_t)(1000 + 2 * member + kind));
            for (int other = 0; other < members; other++) {
                int length = size;
                if (other == member)
                    continue;
                memcpy(packet, plain, (size_t)size);
                if (((protect_fn)protect)((void *)contexts[other], packet, &length))
                    return -1;
                sent += send(sockets[other], packet, (size_t)length, MSG_DONTWAIT) == length;
            }
        }
    }
}
