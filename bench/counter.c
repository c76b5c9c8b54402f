/* Takes what viewers are sent and counts it, so that one client can load a server fully.
 *
 * One thread reads every receiving socket in batches. RTP is counted by socket and SSRC; reports, checks, and one RTP
 * packet in `sample` go on to Python as datagrams on a local socket: four bytes with the socket's number, then the
 * packet. Built by bench/counter.py. Counters are written by the thread alone and read without a lock.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, PACKET = 2048, STREAMS = 256, MAX_LINKS = 1024, READY = 256, WAIT_MS = 100 };
/* Between two turns: what comes meanwhile is read together. Nobody times anything at this end. */
static const struct timespec PAUSE = {0, 2000000};

struct stream {
    uint32_t ssrc;
    uint32_t packets;
    int64_t first, highest;
};

struct link {
    int fd;
    uint64_t packets, bytes;
    uint32_t count;
    struct stream streams[STREAMS];
};

struct counter {
    pthread_t thread;
    int epoll_fd, news_fd;
    uint32_t sample;
    volatile int stop;
    uint64_t seen;
    uint32_t links;
    struct link *link[MAX_LINKS];
};

static uint32_t ssrc_of(const uint8_t *packet)
{
    return (uint32_t)packet[8] << 24 | (uint32_t)packet[9] << 16 | (uint32_t)packet[10] << 8 | packet[11];
}

static void count(struct link *link, const uint8_t *packet, size_t size)
{
    uint32_t ssrc = ssrc_of(packet), place = 0;
    int64_t number = packet[2] << 8 | packet[3];
    struct stream *stream;

    link->packets++;
    link->bytes += size;
    while (place < link->count && link->streams[place].ssrc != ssrc)
        place++;
    stream = &link->streams[place];
    if (place == link->count) {
        if (place == STREAMS)
            return;
        *stream = (struct stream){ssrc, 0, number, number};
        link->count++;
    } else {
        uint16_t step = (uint16_t)(number - stream->highest);
        if (step < 0x8000)
            stream->highest += step;
    }
    stream->packets++;
}

static void pass_on(struct counter *counter, uint32_t index, const uint8_t *packet, size_t size)
{
    struct iovec parts[2] = {{&index, sizeof index}, {(void *)packet, size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    sendmsg(counter->news_fd, &message, MSG_DONTWAIT); /* full: Python is late, reports come again */
}

static void *run(void *given)
{
    static __thread uint8_t room[BATCH][PACKET];
    struct counter *counter = given;
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    struct epoll_event ready[READY];

    memset(messages, 0, sizeof messages);
    for (int at = 0; at < BATCH; at++) {
        parts[at] = (struct iovec){room[at], PACKET};
        messages[at].msg_hdr.msg_iov = &parts[at];
        messages[at].msg_hdr.msg_iovlen = 1;
    }
    while (!counter->stop) {
        int found = epoll_wait(counter->epoll_fd, ready, READY, WAIT_MS);
        for (int at = 0; at < found; at++) {
            uint32_t index = ready[at].data.u32;
            struct link *link = counter->link[index];
            int taken = recvmmsg(link->fd, messages, BATCH, MSG_DONTWAIT, NULL);
            for (int each = 0; each < taken; each++) {
                uint8_t *packet = room[each];
                size_t size = messages[each].msg_len;
                int is_rtp = size >= 12 && packet[0] >> 6 == 2 && (packet[1] < 192 || packet[1] > 223);
                if (is_rtp)
                    count(link, packet, size);
                if (!is_rtp || ++counter->seen % counter->sample == 0)
                    pass_on(counter, index, packet, size);
            }
        }
        nanosleep(&PAUSE, NULL);
    }
    return NULL;
}

/* NULL when the system gives no thread or no epoll. `news_fd` stays the caller's. */
struct counter *counter_open(int news_fd, uint32_t sample)
{
    struct counter *counter = calloc(1, sizeof *counter);
    if (!counter)
        return NULL;
    counter->news_fd = news_fd;
    counter->sample = sample;
    counter->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (counter->epoll_fd < 0 || pthread_create(&counter->thread, NULL, run, counter)) {
        free(counter);
        return NULL;
    }
    return counter;
}

/* The number of the socket from now on, -1 when it cannot be watched. */
int counter_add(struct counter *counter, int fd)
{
    uint32_t index = counter->links;
    struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = index};
    struct link *link = index < MAX_LINKS ? calloc(1, sizeof *link) : NULL;
    if (!link)
        return -1;
    link->fd = fd;
    counter->link[index] = link;
    counter->links++;
    __sync_synchronize();
    return epoll_ctl(counter->epoll_fd, EPOLL_CTL_ADD, fd, &wanted) ? -1 : (int)index;
}

/* Totals of one socket; up to `room` of its streams are copied. How many there are. */
uint32_t counter_read(struct counter *counter, uint32_t index, uint64_t totals[2], struct stream *to, uint32_t room)
{
    struct link *link = counter->link[index];
    uint32_t have = link->count < room ? link->count : room;
    totals[0] = link->packets;
    totals[1] = link->bytes;
    memcpy(to, link->streams, have * sizeof *to);
    return have;
}

void counter_close(struct counter *counter)
{
    counter->stop = 1;
    pthread_join(counter->thread, NULL);
    close(counter->epoll_fd);
    for (uint32_t index = 0; index < counter->links; index++)
        free(counter->link[index]);
    free(counter);
}
