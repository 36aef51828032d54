#define _GNU_SOURCE
#include "apus_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#if defined(__linux__)
#include <sys/auxv.h>
#include <sys/syscall.h>
#endif
#include <unistd.h>

#include "apus_mapping.h"
#include "apus_traps.h"

_Thread_local struct apus_thread apus_this_thread APUS_TLS_MODEL;

// Larger than any signal frame with all vector state, and room for the handlers we chain to.
enum { signal_stack_bytes = 64 * 1024 };

static pthread_key_t signal_stack_key;
static int32_t signal_stack_key_error;
static pthread_once_t signal_stack_once = PTHREAD_ONCE_INIT;

static void drop_signal_stack(void *stack) {
    stack_t present;
    if (sigaltstack(NULL, &present) == 0 && present.ss_sp == stack) {
        stack_t none = {.ss_flags = SS_DISABLE};
        sigaltstack(&none, NULL);
    }
    apus_this_thread.prepared = 0;
    apus_free(stack);
}

static void make_signal_stack_key(void) {
    signal_stack_key_error = pthread_key_create(&signal_stack_key, drop_signal_stack);
}

static int32_t prepare_signal_stack(void) {
    stack_t present;
    if (sigaltstack(NULL, &present) != 0) return errno;
    if (!(present.ss_flags & SS_DISABLE) && present.ss_size >= 16 * 1024) return 0;
    pthread_once(&signal_stack_once, make_signal_stack_key);
    if (signal_stack_key_error != 0) return signal_stack_key_error;
    void *stack = apus_allocate(signal_stack_bytes);
    if (!stack) return ENOMEM;
    stack_t ours = {.ss_sp = stack, .ss_size = signal_stack_bytes};
    int32_t error = sigaltstack(&ours, NULL) == 0 ? 0 : errno;
    if (error == 0) error = pthread_setspecific(signal_stack_key, stack);
    if (error == 0) return 0;
    drop_signal_stack(stack);
    return error;
}

#if defined(__linux__)
// A main thread whose stack is unlimited is taken to have this much.
static const uintptr_t unlimited_stack_bytes = 64u << 20;

/// The main thread's stack, which the kernel grows up to the limit: what is mapped now, which is
/// what some C libraries tell, says nothing. Returns 0 if this is another stack, as after a fork by
/// another thread.
static uintptr_t main_stack_low(void) {
    struct rlimit limit;
    if (getpid() != gettid() || getrlimit(RLIMIT_STACK, &limit) != 0) return 0;
    uintptr_t bytes = unlimited_stack_bytes;
    if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < bytes) bytes = limit.rlim_cur;
    // The name of the program lies above arguments and environment, next to the end.
    uintptr_t page = apus_page_bytes();
    uintptr_t top = (getauxval(AT_EXECFN) + page) & ~(page - 1);
    uintptr_t above = page;
    uintptr_t low = top - (bytes > above ? bytes - above : 0);
    uintptr_t here = apus_stack_address();
    return here > low && here <= top ? low : 0;
}

static int32_t find_stack_low(uintptr_t *low) {
    *low = main_stack_low();
    if (*low != 0) return 0;
    pthread_attr_t attributes;
    int32_t error = pthread_getattr_np(pthread_self(), &attributes);
    if (error != 0) return error;
    void *start = NULL;
    size_t bytes = 0;
    size_t guard = 0;
    error = pthread_attr_getstack(&attributes, &start, &bytes);
    if (error == 0) pthread_attr_getguardsize(&attributes, &guard);
    pthread_attr_destroy(&attributes);
    *low = (uintptr_t)start + guard;
    return error;
}
#elif defined(__APPLE__)
static int32_t find_stack_low(uintptr_t *low) {
    pthread_t thread = pthread_self();
    *low = (uintptr_t)pthread_get_stackaddr_np(thread) - pthread_get_stacksize_np(thread);
    return 0;
}
#else
static int32_t find_stack_low(uintptr_t *low) {
    *low = 0;
    return ENOTSUP;
}
#endif

int32_t apus_thread_prepare(void) {
    struct apus_thread *thread = &apus_this_thread;
    if (thread->prepared) return 0;
    int32_t error = find_stack_low(&thread->stack_low);
    if (error == 0) error = prepare_signal_stack();
    if (error == 0) error = apus_traps_unblock();
    if (error == 0) thread->prepared = 1;
    return error;
}

// In nanoseconds: the least there is; and one that ticks of 10, 4, 3.3 and 1 ms overrun by a third
// at most.
enum { short_turn = 100000, long_turn = 7500000 };

static void take_turns(uint64_t nanoseconds) {
#if defined(__linux__) && defined(SYS_sched_setattr)
    // As the kernel has it; some C libraries do not.
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t turn, deadline, period;
    } attributes = {0};
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
    // Of other policies the number means something else.
    if (attributes.policy != 0) return;
    attributes.turn = nanoseconds;
    syscall(SYS_sched_setattr, 0, &attributes, 0);
#else
    (void)nanoseconds;
#endif
}

void apus_thread_take_short_turns(void) {
    take_turns(short_turn);
}

void apus_thread_take_long_turns(void) {
    take_turns(long_turn);
}

int32_t apus_thread_barrier(void) {
#if defined(__linux__) && defined(SYS_membarrier)
    // MEMBARRIER_CMD_PRIVATE_EXPEDITED, and what a process has to say before it uses that: since
    // Linux 4.14.
    enum { expedited = 8, register_expedited = 16 };
    if (syscall(SYS_membarrier, expedited, 0, 0) == 0) return 0;
    if (syscall(SYS_membarrier, register_expedited, 0, 0) != 0) return errno;
    return syscall(SYS_membarrier, expedited, 0, 0) == 0 ? 0 : errno;
#else
    return ENOSYS;
#endif
}

__attribute__((noinline)) void apus_with_registers_on_stack(
    void (*body)(void *), void *argument) {
    __builtin_unwind_init();
    body(argument);
    // The frame is still there while that runs.
    __asm__ volatile("" ::: "memory");
}
