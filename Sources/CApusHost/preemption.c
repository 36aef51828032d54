#define _GNU_SOURCE
#include "apus_preemption.h"

#include <stddef.h>

#include "apus_code_ranges.h"
#include "apus_guest_stack.h"
#include "apus_leaving.h"
#include "apus_thread.h"

#if defined(__linux__) && defined(__x86_64__)

#include <ucontext.h>

/// What `preempted` keeps on the guest's stack, from the lowest address up.
struct kept_registers {
    uint64_t rbp, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t flags;
    uint64_t pc;
};

// What is below the stack pointer may be in use.
enum { red_zone_bytes = 128 };

/// Where a guest goes that is to end for what came while it was away: out of wasm, as from a signal
/// handler.
_Noreturn static void leave_wasm(
    struct apus_store_context *store, const struct kept_registers *registers) {
    struct apus_departure departure = {
        .pc = registers->pc,
        .fp = registers->rbp,
        .sp = (uintptr_t)(registers + 1) + red_zone_bytes,
        .context = registers->r15,
    };
    apus_leaving_note(store, store->trap == 0 ? 1 : 0, departure);
    apus_leaving_land(store);
}

/// Leaves the stack until it is the guest's turn again.
__attribute__((noinline)) static void yield_turn(struct kept_registers *registers) {
    struct apus_store_context *store = apus_thread_record()->current;
    struct apus_guest_stack *stack = store->guest_stack;
    if (store->is_metered) store->fuel = (int64_t)registers->r14;
    stack->state = apus_guest_yielded;
    apus_guest_stack_switch(stack);
    if (*store->requests != 0 || store->trap != 0) leave_wasm(store, registers);
    if (store->is_metered) registers->r14 = (uint64_t)store->fuel;
}

/// Where a guest goes on that was found in compiled code, with the address of that on the stack:
/// keeps all registers that compiled code has.
__attribute__((naked)) static void preempted(void) {
    __asm__ volatile(
        "pushfq\n\t"
        "pushq %%rax\n\t"
        "pushq %%rbx\n\t"
        "pushq %%rcx\n\t"
        "pushq %%rdx\n\t"
        "pushq %%rsi\n\t"
        "pushq %%rdi\n\t"
        "pushq %%r8\n\t"
        "pushq %%r9\n\t"
        "pushq %%r10\n\t"
        "pushq %%r11\n\t"
        "pushq %%r12\n\t"
        "pushq %%r13\n\t"
        "pushq %%r14\n\t"
        "pushq %%r15\n\t"
        "pushq %%rbp\n\t"
        "movq %%rsp, %%rbx\n\t"
        "andq $-16, %%rsp\n\t"
        "subq $256, %%rsp\n\t"
        "movups %%xmm0, 0(%%rsp)\n\t"
        "movups %%xmm1, 16(%%rsp)\n\t"
        "movups %%xmm2, 32(%%rsp)\n\t"
        "movups %%xmm3, 48(%%rsp)\n\t"
        "movups %%xmm4, 64(%%rsp)\n\t"
        "movups %%xmm5, 80(%%rsp)\n\t"
        "movups %%xmm6, 96(%%rsp)\n\t"
        "movups %%xmm7, 112(%%rsp)\n\t"
        "movups %%xmm8, 128(%%rsp)\n\t"
        "movups %%xmm9, 144(%%rsp)\n\t"
        "movups %%xmm10, 160(%%rsp)\n\t"
        "movups %%xmm11, 176(%%rsp)\n\t"
        "movups %%xmm12, 192(%%rsp)\n\t"
        "movups %%xmm13, 208(%%rsp)\n\t"
        "movups %%xmm14, 224(%%rsp)\n\t"
        "movups %%xmm15, 240(%%rsp)\n\t"
        "cld\n\t"
        "movq %%rbx, %%rdi\n\t"
        "callq %P[yield_turn]\n\t"
        "movups 0(%%rsp), %%xmm0\n\t"
        "movups 16(%%rsp), %%xmm1\n\t"
        "movups 32(%%rsp), %%xmm2\n\t"
        "movups 48(%%rsp), %%xmm3\n\t"
        "movups 64(%%rsp), %%xmm4\n\t"
        "movups 80(%%rsp), %%xmm5\n\t"
        "movups 96(%%rsp), %%xmm6\n\t"
        "movups 112(%%rsp), %%xmm7\n\t"
        "movups 128(%%rsp), %%xmm8\n\t"
        "movups 144(%%rsp), %%xmm9\n\t"
        "movups 160(%%rsp), %%xmm10\n\t"
        "movups 176(%%rsp), %%xmm11\n\t"
        "movups 192(%%rsp), %%xmm12\n\t"
        "movups 208(%%rsp), %%xmm13\n\t"
        "movups 224(%%rsp), %%xmm14\n\t"
        "movups 240(%%rsp), %%xmm15\n\t"
        "movq %%rbx, %%rsp\n\t"
        "popq %%rbp\n\t"
        "popq %%r15\n\t"
        "popq %%r14\n\t"
        "popq %%r13\n\t"
        "popq %%r12\n\t"
        "popq %%r11\n\t"
        "popq %%r10\n\t"
        "popq %%r9\n\t"
        "popq %%r8\n\t"
        "popq %%rdi\n\t"
        "popq %%rsi\n\t"
        "popq %%rdx\n\t"
        "popq %%rcx\n\t"
        "popq %%rbx\n\t"
        "popq %%rax\n\t"
        "popfq\n\t"
        "retq $%c[red_zone]\n\t"
        :
        : [yield_turn] "i"(yield_turn), [red_zone] "i"(red_zone_bytes));
}

void apus_preempt(void *machine) {
    struct apus_thread *thread = apus_thread_record();
    struct apus_store_context *store = thread->current;
    // With frames of the host's on it, nobody can leave a stack.
    if (!store || store->entry_sp == 0 || !store->guest_stack) return;
    greg_t *registers = ((ucontext_t *)machine)->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    // Trampolines are not covered: they may hold what is the thread's.
    if (!apus_code_covers(pc)) return;
    uintptr_t *top = (uintptr_t *)((uintptr_t)registers[REG_RSP] - red_zone_bytes) - 1;
    *top = pc;
    registers[REG_RSP] = (greg_t)top;
    registers[REG_RIP] = (greg_t)preempted;
}

#else

void apus_preempt(void *machine) {
    (void)machine;
}

#endif
