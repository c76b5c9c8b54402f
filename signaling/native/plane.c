/* The forwarding thread: reads the peers' sockets, opens SRTP, forwards, closes SRTP, sends. No Python in between.
 *
 * Owns everything it touches per packet. Python owns the rest (STUN, DTLS, RTCP, the public socket, TCP, every
 * decision) and gives its orders through the functions below; each takes the one lock for a moment, inside one call,
 * so that a thread that waits for the interpreter never holds it. What Python must see goes into a bounded ring.
 */
#include "inside.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* Waiting before the next look lets packets be read together, which pays when many come: fewer wake-ups, warmer caches.
 * When few come each wait is a wake-up more than there would have been. */
static int is_worth_waiting(struct plane *plane, int sockets)
{
    uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    plane->found += sockets;
    uint64_t passed_ns = now_ns - plane->counted_ns;
    if (passed_ns >= RATE_PAUSES * plane->pause_ns) {
        plane->is_busy = (double)plane->found * (double)plane->pause_ns > BUSY_SOCKETS * (double)passed_ns;
        plane->counted_ns = now_ns;
        plane->found = 0;
    }
    return plane->pause_ns && plane->is_busy;
}

static void *run(void *argument)
{
    struct plane *plane = argument;
    struct epoll_event events[64];
    const struct timespec nap = {0, NAP_NS};
    if (plane->is_urgent)
        atomic_store(&plane->urgency, become_urgent());
    struct timespec pause = {(time_t)(plane->pause_ns / SECOND_NS), (long)(plane->pause_ns % SECOND_NS)};
    while (atomic_load(&plane->running)) {
        int count = epoll_wait(plane->epoll_fd, events, 64, -1);
        if (count < 0 && errno != EINTR)
            break;
        for (int i = 0; i < count; i++) {
            for (int naps = 0; atomic_load(&plane->waiting) && naps < MOST_NAPS; naps++)
                nanosleep(&nap, NULL); /* a mutex is not fair: without this a busy loop would starve Python's orders */
            pthread_mutex_lock(&plane->lock);
            struct peer *peer = table_get(&plane->peers, events[i].data.u32);
            if (events[i].data.u32 == PACER_EVENT)
                release(plane, (double)clock_ns(CLOCK_MONOTONIC) / 1e6);
            else if (peer)
                read_peer(plane, peer);
            pthread_mutex_unlock(&plane->lock);
        }
        if (is_worth_waiting(plane, count) && atomic_load(&plane->running))
            nanosleep(&pause, NULL);
    }
    return NULL;
}

static int begin(struct plane *plane)
{
    /* Signals are for Python's main thread: it alone knows what to do with them. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&plane->thread, NULL, run, plane);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* Whoever holds the lock while the urgent thread waits for it is as urgent: else other work could keep both from going on. */
static int init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    int error = pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return error;
}

static int open_rings(struct plane *plane, uint64_t bytes)
{
    /* Of one size each: memory that is never written to costs nothing. */
    plane->media.bytes = plane->others.bytes = (bytes + 7) / 8 * 8;
    plane->media.data = malloc(plane->media.bytes);
    plane->others.data = malloc(plane->others.bytes);
    return plane->media.data && plane->others.data;
}

static void free_rings(struct plane *plane)
{
    free(plane->media.data);
    free(plane->others.data);
}

struct plane *plane_open(uintptr_t protect, uintptr_t unprotect, uintptr_t protect_rtcp,
                         const struct plane_settings *settings)
{
    struct plane *plane = calloc(1, sizeof *plane);
    if (!plane)
        return NULL;
    if (init_lock(&plane->lock)) {
        free(plane);
        return NULL;
    }
    plane->protect = (srtp_fn)protect;
    plane->unprotect = (srtp_fn)unprotect;
    plane->protect_rtcp = (srtp_fn)protect_rtcp;
    plane->pause_ns = settings->pause_ns;
    plane->counted_ns = clock_ns(CLOCK_MONOTONIC);
    plane->is_busy = 1; /* until it was counted */
    plane->media_per_s = settings->media_per_s;
    plane->others_per_s = settings->others_per_s;
    plane->is_single = settings->is_single;
    plane->is_urgent = settings->is_urgent;
    int has_rings = open_rings(plane, settings->ring_bytes);
    plane->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    plane->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    plane->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    plane->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    atomic_store(&plane->running, 1);
    struct epoll_event event = {.events = EPOLLIN}, rings = {.events = EPOLLIN, .data.u32 = PACER_EVENT};
    int failed = !has_rings || plane->epoll_fd < 0 || plane->event_fd < 0 || plane->stop_fd < 0 ||
                 plane->timer_fd < 0 || epoll_ctl(plane->epoll_fd, EPOLL_CTL_ADD, plane->stop_fd, &event) ||
                 epoll_ctl(plane->epoll_fd, EPOLL_CTL_ADD, plane->timer_fd, &rings) || begin(plane);
    if (failed) {
        close(plane->epoll_fd);
        close(plane->event_fd);
        close(plane->stop_fd);
        free_rings(plane);
        close(plane->timer_fd);
        pthread_mutex_destroy(&plane->lock);
        free(plane);
        return NULL;
    }
    pthread_setname_np(plane->thread, "media");
    return plane;
}

int plane_event_fd(struct plane *plane)
{
    return plane->event_fd;
}

void plane_close(struct plane *plane)
{
    uint64_t one = 1;
    atomic_store(&plane->running, 0);
    while (write(plane->stop_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
    pthread_join(plane->thread, NULL);
    for (uint32_t i = 0; i < plane->streams.size; i++)
        if (plane->streams.items[i])
            free_stream(plane->streams.items[i]);
    for (uint32_t i = 0; i < plane->legs.size; i++)
        if (plane->legs.items[i])
            free_leg(plane->legs.items[i]);
    for (uint32_t i = 0; i < plane->lines.size; i++)
        if (plane->lines.items[i]) {
            forget_held(plane, plane->lines.items[i]);
            free_line(plane->lines.items[i]);
        }
    for (uint32_t i = 0; i < plane->peers.size; i++)
        free(plane->peers.items[i]);
    table_free(&plane->streams);
    table_free(&plane->legs);
    table_free(&plane->lines);
    table_free(&plane->peers);
    close(plane->epoll_fd);
    close(plane->event_fd);
    close(plane->stop_fd);
    free_rings(plane);
    close(plane->timer_fd);
    pthread_mutex_destroy(&plane->lock);
    free(plane);
}

void plane_read_facts(struct plane *plane, struct plane_facts *facts)
{
    enter(plane);
    *facts = plane->facts;
    facts->urgency = atomic_load(&plane->urgency);
    facts->ring_used = plane->media.used + plane->others.used;
    leave(plane);
}
