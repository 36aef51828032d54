#define _GNU_SOURCE
#include "apus_interrupt.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#include "apus_thread.h"
#include "apus_traps.h"

#if defined(__linux__) && defined(__x86_64__)
#include <ucontext.h>
#define APUS_CAN_INTERRUPT 1
#else
#define APUS_CAN_INTERRUPT 0
#endif

// By default nothing happens on SIGURG, and whoever uses it expects more of them than there are
// reasons for.
enum { interrupt_signal = SIGURG };

/// Its address marks the signals that we send.
static char sender;
static struct sigaction previous_action;
static int32_t install_error;
static pthread_once_t install_once = PTHREAD_ONCE_INIT;

void apus_interrupt_request(struct apus_store_context *store) {
    __atomic_store_n(&store->interrupt, 1, __ATOMIC_RELEASE);
}

void apus_interrupt_withdraw(struct apus_store_context *store) {
    __atomic_store_n(&store->interrupt, 0, __ATOMIC_RELEASE);
}

int32_t apus_interrupt_is_requested(const struct apus_store_context *store) {
    for (; store; store = store->outer) {
        if (__atomic_load_n(&store->interrupt, __ATOMIC_ACQUIRE)) return 1;
    }
    return 0;
}

int32_t apus_this_thread_is_interrupted(void) {
    return apus_interrupt_is_requested(apus_this_thread.current);
}

uintptr_t apus_interrupt_target(void) {
    return (uintptr_t)pthread_self();
}

void apus_interrupt_thread(uintptr_t target) {
#if APUS_CAN_INTERRUPT
    union sigval value = {.sival_ptr = &sender};
    pthread_sigqueue((pthread_t)target, interrupt_signal, value);
#else
    (void)target;
#endif
}

#if APUS_CAN_INTERRUPT
/// Leaves the innermost wasm if the signal has found it in compiled code: there every value that
/// outlives it is in place. In host code nothing happens; it is left when it returns.
static void leave_wasm(int signal, void *machine) {
    struct apus_store_context *store = apus_this_thread.current;
    if (!store || store->entry_sp == 0 || !apus_interrupt_is_requested(store)) return;
    greg_t *registers = ((ucontext_t *)machine)->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    if (!apus_code_covers(pc)) return;
    store->trap = 0;
    store->trap_signal = (uint32_t)signal;
    store->trap_pc = pc;
    store->trap_fp = (uintptr_t)registers[REG_RBP];
    store->trap_address = 0;
    apus_trace_capture(store, pc, store->trap_fp);
    if (store->is_metered) store->fuel = registers[REG_R14];
    registers[REG_RIP] = (greg_t)store->landing;
    registers[REG_RSP] = (greg_t)store->entry_sp;
}

/// Without one, nothing happens on a signal that is not ours, as before.
static int previous_is_a_function(void) {
    if (previous_action.sa_flags & SA_SIGINFO) return 1;
    return previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN;
}

static void handle_signal(int signal, siginfo_t *info, void *machine) {
    int saved_errno = errno;
    if (info->si_code == SI_QUEUE && info->si_value.sival_ptr == &sender) {
        leave_wasm(signal, machine);
    } else if (previous_is_a_function()) {
        apus_signal_pass_on(signal, info, machine, &previous_action);
    }
    errno = saved_errno;
}

static void install(void) {
    // Without SA_RESTART, so that a host function that waits comes back and looks.
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
    action.sa_sigaction = handle_signal;
    sigemptyset(&action.sa_mask);
    if (sigaction(interrupt_signal, &action, &previous_action) != 0) install_error = errno;
}
#else
static void install(void) {
    install_error = ENOTSUP;
}
#endif

int32_t apus_interrupts_prepare_thread(void) {
    struct apus_thread *thread = &apus_this_thread;
    if (thread->takes_interrupts) return 0;
    pthread_once(&install_once, install);
    if (install_error != 0) return install_error;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, interrupt_signal);
    int32_t error = pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    if (error == 0) thread->takes_interrupts = 1;
    return error;
}
