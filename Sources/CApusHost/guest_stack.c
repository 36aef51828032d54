#define _GNU_SOURCE
#include "apus_guest_stack.h"

#include "apus_mapping.h"
#include "apus_thread.h"
#include "thread_sanitizer.h"

#if defined(__x86_64__)

// MARK: Switching

// What a function keeps for its caller is on the stack that is left, the control of floats and what
// is below the return address included. A jump goes back, not a return, which the processor would
// expect to go somewhere else.
__attribute__((naked, noinline)) static void switch_stacks(struct apus_guest_stack *stack) {
    __asm__ volatile(
        "pushq %%rbp\n\t"
        "pushq %%rbx\n\t"
        "pushq %%r12\n\t"
        "pushq %%r13\n\t"
        "pushq %%r14\n\t"
        "pushq %%r15\n\t"
        "subq $8, %%rsp\n\t"
        "stmxcsr (%%rsp)\n\t"
        "movq %c[sp](%%rdi), %%rax\n\t"
        "movq %%rsp, %c[sp](%%rdi)\n\t"
        "movq %%rax, %%rsp\n\t"
        "ldmxcsr (%%rsp)\n\t"
        "addq $8, %%rsp\n\t"
        "popq %%r15\n\t"
        "popq %%r14\n\t"
        "popq %%r13\n\t"
        "popq %%r12\n\t"
        "popq %%rbx\n\t"
        "popq %%rbp\n\t"
        "popq %%rcx\n\t"
        "jmpq *%%rcx\n\t"
        :
        : [sp] "i"(offsetof(struct apus_guest_stack, sp)));
}

#ifdef APUS_SANITIZES_THREADS
// Not instrumented, as it is entered on one stack and left on another.
__attribute__((disable_sanitizer_instrumentation, noinline)) void apus_guest_stack_switch(
    struct apus_guest_stack *stack) {
    void *present = __tsan_get_current_fiber();
    void *next = stack->outer_fiber;
    if (present != stack->fiber) {
        stack->outer_fiber = present;
        next = stack->fiber;
    }
    __tsan_switch_to_fiber(next, 0);
    switch_stacks(stack);
}
#else
__attribute__((naked, noinline)) void apus_guest_stack_switch(struct apus_guest_stack *stack) {
    __asm__ volatile("jmp %P0" : : "i"(switch_stacks));
}
#endif

/// What runs on a stack: one call after the other.
static void run(struct apus_guest_stack *stack) {
    while (1) {
        stack->status = apus_enter(stack->entry, stack->context, stack->code, stack->values);
        apus_activation_end(((struct apus_context *)stack->context)->store_context);
        stack->state = apus_guest_idle;
        apus_guest_stack_switch(stack);
    }
}

/// Where a new stack is first switched to, with its record in rbx: the end of all frames there.
__attribute__((naked)) static void begin(void) {
    __asm__ volatile(
        ".cfi_undefined %%rip\n\t"
        "xorl %%ebp, %%ebp\n\t"
        "movq %%rbx, %%rdi\n\t"
        "callq *%%r12\n\t"
        "ud2\n\t"
        :
        :);
}

/// As a switch leaves it, from the stack pointer up.
struct switch_frame {
    uint64_t float_control;
    uint64_t r15, r14, r13, r12, rbx, rbp;
    uint64_t return_address;
};

static void prepare(struct apus_guest_stack *stack) {
    // `begin` finds the stack aligned for a call.
    uintptr_t top = apus_guest_stack_high(stack) & ~(uintptr_t)15;
    struct switch_frame *frame = (struct switch_frame *)(top - sizeof *frame);
    *frame = (struct switch_frame){
        .float_control = 0x1F80,
        .r12 = (uint64_t)run,
        .rbx = (uint64_t)stack,
        .return_address = (uint64_t)begin,
    };
    stack->sp = (uintptr_t)frame;
}

#else

void apus_guest_stack_switch(struct apus_guest_stack *stack) {
    (void)stack;
}
static void prepare(struct apus_guest_stack *stack) {
    (void)stack;
}

#endif

// MARK: Stacks

struct apus_guest_stack *apus_guest_stack_make(uint64_t bytes) {
    uint64_t page = apus_page_bytes();
    uint64_t mapped = (bytes + page - 1) & ~(page - 1);
    uint8_t *start = apus_reserve(mapped);
    if (!start) return NULL;
    if (apus_protect(start + page, mapped - page, apus_access_write) != 0) {
        apus_unmap(start, mapped);
        return NULL;
    }
    uintptr_t place = (uintptr_t)(start + mapped) - sizeof(struct apus_guest_stack);
    struct apus_guest_stack *stack = (struct apus_guest_stack *)(place & ~(uintptr_t)63);
    stack->low = (uintptr_t)(start + page);
    stack->mapped_bytes = mapped;
    prepare(stack);
#ifdef APUS_SANITIZES_THREADS
    stack->fiber = __tsan_create_fiber(0);
#endif
    return stack;
}

void apus_guest_stack_free(struct apus_guest_stack *stack) {
    uint8_t *start = (uint8_t *)stack->low - apus_page_bytes();
#ifdef APUS_SANITIZES_THREADS
    __tsan_destroy_fiber(stack->fiber);
#endif
    apus_unmap(start, stack->mapped_bytes);
}

// MARK: Functions of the host that are waited for

/// Leaves the guest's stack until the host has put the results into `values`.
static void suspend(struct apus_guest_stack *stack, uint64_t *values, void *function) {
    stack->function = function;
    stack->arguments = values;
    stack->state = apus_guest_waiting;
    apus_guest_stack_switch(stack);
}

// Swift's convention: the captures and the error have registers of their own.
#define APUS_SWIFT __attribute__((swiftcall))
typedef APUS_SWIFT void closure(
    uint64_t *values, void *function, struct apus_host_context *host,
    __attribute__((swift_context)) void *state,
    __attribute__((swift_error_result)) void **error);

static APUS_SWIFT void suspending_closure(
    uint64_t *values, void *function, struct apus_host_context *host,
    __attribute__((swift_context)) void *state,
    __attribute__((swift_error_result)) void **error) {
    struct apus_guest_stack *stack = host->head.store_context->guest_stack;
    if (stack) return suspend(stack, values, function);
    ((closure *)host->direct_code)(values, function, host, state, error);
}

typedef void attended_call(struct apus_context *host, uint64_t *values);

static void suspending_attended(struct apus_context *context, uint64_t *values) {
    struct apus_guest_stack *stack = context->store_context->guest_stack;
    if (stack) return suspend(stack, values, context->owner);
    ((attended_call *)((struct apus_host_context *)context)->direct_attended)(context, values);
}

// MARK: Functions of the runtime that may have to wait

static apus_runtime_function *waiting_functions[apus_waiting_function_count];

/// Calls the function until it need not wait any more. No frame of its own is left meanwhile.
static uint64_t call_until_done(
    apus_runtime_function *function, struct apus_context *context, uint64_t a, uint64_t b,
    uint64_t c, uint64_t d, uint64_t e) {
    struct apus_store_context *store = context->store_context;
    store->waiting_call = apus_waiting_call_first;
    while (1) {
        uint64_t result = function(context, a, b, c, d, e);
        store->waiting_call = apus_waiting_call_none;
        if (!store->must_wait) return result;
        store->must_wait = 0;
        suspend(store->guest_stack, NULL, NULL);
        if (store->trap != 0) return 0;
        store->waiting_call = apus_waiting_call_again;
    }
}

#define APUS_WAITING(slot)                                                                  \
    static uint64_t waiting_function_##slot(                                                \
        struct apus_context *context, uint64_t a, uint64_t b, uint64_t c, uint64_t d,       \
        uint64_t e) {                                                                       \
        return call_until_done(waiting_functions[slot], context, a, b, c, d, e);            \
    }
APUS_WAITING(0)
APUS_WAITING(1)
APUS_WAITING(2)
APUS_WAITING(3)
APUS_WAITING(4)
APUS_WAITING(5)
APUS_WAITING(6)
APUS_WAITING(7)
APUS_WAITING(8)
APUS_WAITING(9)
APUS_WAITING(10)
APUS_WAITING(11)

uintptr_t apus_waiting_function(uint32_t slot, uintptr_t function) {
    static apus_runtime_function *const waiting[apus_waiting_function_count] = {
        waiting_function_0, waiting_function_1, waiting_function_2, waiting_function_3,
        waiting_function_4, waiting_function_5, waiting_function_6, waiting_function_7,
        waiting_function_8, waiting_function_9, waiting_function_10, waiting_function_11,
    };
    waiting_functions[slot] = (apus_runtime_function *)function;
    return (uintptr_t)waiting[slot];
}

// MARK: Calls of the host

static void host_call(struct apus_context *context, uint64_t *values) {
    ((attended_call *)((struct apus_host_context *)context)->attended)(context, values);
}

uintptr_t apus_suspending_closure_address(void) {
    return (uintptr_t)suspending_closure;
}
uintptr_t apus_suspending_attended_address(void) {
    return (uintptr_t)suspending_attended;
}
uintptr_t apus_host_call_address(void) {
    return (uintptr_t)host_call;
}
