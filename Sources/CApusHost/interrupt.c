#define _GNU_SOURCE
#include "apus_interrupt.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "apus_code_ranges.h"
#include "apus_leaving.h"
#include "apus_parking.h"
#include "apus_preemption.h"
#include "apus_sampler.h"
#include "apus_traps.h"

#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
enum { openat2_number = 437 };
#define APUS_CAN_INTERRUPT 1
#else
#define APUS_CAN_INTERRUPT 0
#endif

// By default nothing happens on SIGURG, and whoever uses it expects more of them than there are
// reasons for.
enum { interrupt_signal = SIGURG };

/// Its address marks the signals that we send.
static char sender;

/// Its address marks those by which we ask where a thread is.
static char asker;

/// Its address marks those by which we take a thread from a guest for others.
static char scheduler;

// MARK: Requests

void apus_interrupt_request(
    struct apus_store_context *store, struct apus_thread *thread, uint64_t reason) {
    __atomic_store_n(&thread->reason, reason, __ATOMIC_RELAXED);
    __atomic_fetch_add(&thread->requests, 1, __ATOMIC_RELEASE);
    __atomic_store_n(&store->interrupt, 1, __ATOMIC_RELEASE);
    apus_thread_wake(thread);
}

void apus_interrupt_withdraw(struct apus_store_context *store, struct apus_thread *thread) {
    __atomic_store_n(&store->interrupt, 0, __ATOMIC_RELEASE);
    __atomic_fetch_sub(&thread->requests, 1, __ATOMIC_RELEASE);
    __atomic_store_n(&thread->unanswered, 0, __ATOMIC_RELAXED);
}

int32_t apus_interrupts_end_waits(int32_t do_end) {
    return __atomic_exchange_n(&apus_this_thread.ends_waits, do_end, __ATOMIC_RELAXED);
}

#if APUS_CAN_INTERRUPT

// MARK: Who had the signal before

// The handler reads one while another is written: a slot is used again only when the host has taken
// the signal away from us that many times.
enum { previous_slots = 16 };
static struct sigaction previous_actions[previous_slots];
static uint32_t previous_count;
static pthread_mutex_t take_lock = PTHREAD_MUTEX_INITIALIZER;

/// Without a function, nothing happens on a signal that is not ours, as before.
static int is_function(const struct sigaction *action) {
    if (action->sa_flags & SA_SIGINFO) return 1;
    return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

static void pass_on(int signal, siginfo_t *info, void *machine) {
    uint32_t count = __atomic_load_n(&previous_count, __ATOMIC_ACQUIRE);
    struct apus_thread *thread = &apus_this_thread;
    // Whoever has it now may have had it from us, and hand it back.
    if (count == 0 || thread->passes_on) return;
    struct sigaction previous = previous_actions[(count - 1) % previous_slots];
    if (!is_function(&previous)) return;
    thread->passes_on = 1;
    apus_signal_pass_on(signal, info, machine, &previous);
    thread->passes_on = 0;
}

// MARK: The handler

/// Whether a system call that has not begun may fail with EINTR instead.
static int may_wait(greg_t number) {
    switch (number) {
    case SYS_read:
    case SYS_readv:
    case SYS_write:
    case SYS_writev:
    case SYS_pread64:
    case SYS_preadv:
    case SYS_pwrite64:
    case SYS_pwritev:
    case SYS_fallocate:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_accept:
    case SYS_accept4:
    case SYS_open:
    case SYS_openat:
    case openat2_number:
    case SYS_flock:
    case SYS_wait4:
    case SYS_waitid: return 1;
    default: return 0;
    }
}

/// Ends a wait in the system. What would begin again after the handler, and what is about to begin,
/// has the program counter at its instruction; what never begins again needs nothing.
static void end_wait(greg_t *registers) {
    static const uint8_t instruction[] = {0x0F, 0x05};
    const void *place = (const void *)registers[REG_RIP];
    if (memcmp(place, instruction, sizeof instruction) != 0) return;
    if (!may_wait(registers[REG_RAX])) return;
    registers[REG_RIP] += (greg_t)sizeof instruction;
    registers[REG_RAX] = -EINTR;
}

/// Leaves the innermost wasm if the signal has found it in compiled code: there every value that
/// outlives it is in place. In host code nothing happens, unless it waits for this; it is left when
/// it returns.
static void leave_wasm(int signal, void *machine) {
    struct apus_thread *thread = &apus_this_thread;
    if (__atomic_load_n(&thread->requests, __ATOMIC_ACQUIRE) == 0) return;
    struct apus_store_context *store = thread->current;
    if (!store || store->entry_sp == 0) return;
    greg_t *registers = ((ucontext_t *)machine)->uc_mcontext.gregs;
    if (!apus_code_covers((uintptr_t)registers[REG_RIP])) {
        if (thread->ends_waits) end_wait(registers);
        return;
    }
    store->trap = 0;
    apus_leaving_note_signal(store, signal, 0, machine);
    apus_leaving_land_after_signal(store, machine);
}

int32_t apus_interrupt_answer(int signal, const void *details, void *machine) {
    const siginfo_t *info = details;
    if (info->si_code != SI_QUEUE) return 0;
    if (info->si_value.sival_ptr == &asker) {
        apus_sampler_answer(machine);
        return 1;
    }
    if (info->si_value.sival_ptr == &scheduler) {
        apus_preempt(machine);
        return 1;
    }
    if (info->si_value.sival_ptr != &sender) return 0;
    __atomic_fetch_add(&apus_this_thread.answers, 1, __ATOMIC_RELAXED);
    leave_wasm(signal, machine);
    return 1;
}

static void handle_signal(int signal, siginfo_t *info, void *machine) {
    int saved_errno = errno;
    if (!apus_interrupt_answer(signal, info, machine)) pass_on(signal, info, machine);
    errno = saved_errno;
}

/// Takes the signal, if somebody else has it. Returns 0 or an error number.
static int32_t take_signal(void) {
    int32_t error = 0;
    pthread_mutex_lock(&take_lock);
    struct sigaction present;
    if (sigaction(interrupt_signal, NULL, &present) != 0) {
        error = errno;
    } else if (!(present.sa_flags & SA_SIGINFO) || present.sa_sigaction != handle_signal) {
        uint32_t count = __atomic_load_n(&previous_count, __ATOMIC_RELAXED);
        previous_actions[count % previous_slots] = present;
        __atomic_store_n(&previous_count, count + 1, __ATOMIC_RELEASE);
        // Host functions do not notice, where the system can begin a wait again.
        struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
        action.sa_sigaction = handle_signal;
        sigemptyset(&action.sa_mask);
        if (sigaction(interrupt_signal, &action, NULL) != 0) error = errno;
    }
    pthread_mutex_unlock(&take_lock);
    return error;
}

static int32_t install_error;
static pthread_once_t install_once = PTHREAD_ONCE_INIT;

static void install(void) {
    install_error = take_signal();
}

int32_t apus_interrupts_begin(void) {
    pthread_once(&install_once, install);
    if (install_error != 0) return install_error;
    struct apus_thread *thread = &apus_this_thread;
    if (thread->id == 0) thread->id = (int32_t)syscall(SYS_gettid);
    sigset_t set;
    sigset_t before;
    sigemptyset(&set);
    sigaddset(&set, interrupt_signal);
    int32_t error = pthread_sigmask(SIG_UNBLOCK, &set, &before);
    if (error != 0) return error;
    __atomic_store_n(&thread->blocks_signal, 0, __ATOMIC_RELAXED);
    if (!sigismember(&before, interrupt_signal)) return 0;
    if (sigismember(&before, SIGSEGV)) apus_traps_unblock();
    return -1;
}

void apus_interrupts_give_back(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, interrupt_signal);
    __atomic_store_n(&apus_this_thread.blocks_signal, 1, __ATOMIC_RELAXED);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

// MARK: Sending

static int send(const struct apus_thread *thread, int signal, char *mark) {
    siginfo_t info = {0};
    info.si_signo = signal;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = mark;
    return (int)syscall(SYS_rt_tgsigqueueinfo, info.si_pid, thread->id, signal, &info);
}

// Milliseconds, as it is: how long a thread may be away from a processor without our wondering.
enum { patience = 3, long_patience = 6 };

void apus_interrupt_thread(struct apus_thread *thread) {
    uint32_t answers = __atomic_load_n(&thread->answers, __ATOMIC_RELAXED);
    uint32_t seen = __atomic_exchange_n(&thread->seen_answers, answers, __ATOMIC_RELAXED);
    uint32_t unanswered = 0;
    if (answers == seen) {
        unanswered = __atomic_add_fetch(&thread->unanswered, 1, __ATOMIC_RELAXED);
    } else {
        __atomic_store_n(&thread->unanswered, 0, __ATOMIC_RELAXED);
    }
    // Who else has the signal may be right to have it: it is only taken when it is needed.
    if (unanswered > 0 && unanswered % patience == 0) take_signal();
    send(thread, interrupt_signal, &sender);
    // It is blocked, then; or a wait goes on where the handler sees no instruction that waits.
    // Signals of traps are hardly ever blocked, for then a trap would end the process.
    if (__atomic_load_n(&thread->blocks_signal, __ATOMIC_RELAXED)) unanswered = long_patience;
    int is_waiting = __atomic_load_n(&thread->ends_waits, __ATOMIC_RELAXED) && answers != seen;
    if (is_waiting || unanswered >= long_patience) {
        int other = apus_traps_own_signal();
        if (other != 0) send(thread, other, &sender);
    }
}

void apus_interrupt_sample(struct apus_thread *thread) {
    send(thread, interrupt_signal, &asker);
}

void apus_interrupt_turn(struct apus_thread *thread) {
    int is_blocked = __atomic_load_n(&thread->blocks_signal, __ATOMIC_RELAXED);
    int own = is_blocked ? apus_traps_own_signal() : 0;
    send(thread, own != 0 ? own : interrupt_signal, &scheduler);
}

void apus_interrupts_forked(void) {
    if (apus_this_thread.id != 0) apus_this_thread.id = (int32_t)syscall(SYS_gettid);
}

#else

int32_t apus_interrupts_begin(void) {
    return ENOTSUP;
}
void apus_interrupts_give_back(void) {}
void apus_interrupt_thread(struct apus_thread *thread) {
    (void)thread;
}
void apus_interrupt_sample(struct apus_thread *thread) {
    (void)thread;
}
void apus_interrupt_turn(struct apus_thread *thread) {
    (void)thread;
}
int32_t apus_interrupt_answer(int signal, const void *info, void *machine) {
    (void)signal, (void)info, (void)machine;
    return 0;
}
void apus_interrupts_forked(void) {}

#endif
