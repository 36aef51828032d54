;; Calls in place of the caller. The first five functions take and pass a different number of
;; arguments on the stack, the others may leave their instance.
(module
  (type $few (func (param i64)))
  (type $ten (func (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)))
  (import "m" "f" (func $few (type $few)))
  (import "m" "g" (func $ten (type $ten)))
  (table 4 4 funcref)
  (func $equal (type $ten)
    (return_call $equal (local.get 9) (local.get 8) (local.get 7) (local.get 6) (local.get 5)
      (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0)))
  (func $fewer (type $ten) (return_call $none))
  (func $none)
  (func $more (type $few)
    (return_call $equal (local.get 0) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)
      (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8) (local.get 0)))
  (func $results (param i64) (result i64 i64 i64 i64 i64 i64)
    (return_call $results (local.get 0)))
  (func $import (type $few) (return_call $few (local.get 0)))
  (func $importWithArguments (type $ten)
    (return_call $ten (local.get 9) (local.get 8) (local.get 7) (local.get 6) (local.get 5)
      (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0)))
  (func $importWithout (type $ten) (return_call $few (local.get 9)))
  (func $indirect (type $few)
    (return_call_indirect (type $ten) (local.get 0) (i64.const 1) (i64.const 2) (i64.const 3)
      (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8) (local.get 0)
      (i32.const 2)))
  (func $reference (param (ref null $few)) (return_call_ref $few (i64.const 1) (local.get 0))))
;; code
;; function 2
;;   push rbp
;;   mov rbp, rsp
;;   cmp rsp, qword ptr [r15]
;;   jb 0x70
;;   sub rsp, 16
;;   mov qword ptr [rbp - 8], rbx
;;   mov qword ptr [rbp - 16], r12
;;   mov rbx, qword ptr [rbp + 16]
;;   mov r12, qword ptr [rbp + 24]
;;   sub rsp, 16
;;   mov qword ptr [rsp], rsi
;;   mov qword ptr [rsp + 8], rdi
;;   mov rsi, rbx
;;   mov rdi, r12
;;   mov r11, rax
;;   mov rax, rcx
;;   mov rcx, r11
;;   mov r11, rdx
;;   mov rdx, r10
;;   mov r10, r11
;;   mov r11, r8
;;   mov r8, r9
;;   mov r9, r11
;;   vmovsd xmm15, qword ptr [rsp + 8]
;;   vmovsd qword ptr [rsp + 56], xmm15
;;   vmovsd xmm15, qword ptr [rsp]
;;   vmovsd qword ptr [rsp + 48], xmm15
;;   mov rbx, qword ptr [rbp - 8]
;;   mov r12, qword ptr [rbp - 16]
;;   leave
;;   jmp 0x70
;;   ud2
;; function 3
;;   push rbp
;;   mov rbp, rsp
;;   vmovsd xmm14, qword ptr [rbp + 8]
;;   mov rbp, qword ptr [rbp]
;;   lea rsp, [rsp + 24]
;;   vmovsd qword ptr [rsp], xmm14
;;   jmp 0x1c
;; function 4
;;   push rbp
;;   mov rbp, rsp
;;   pop rbp
;;   ret
;; function 5
;;   push rbp
;;   mov rbp, rsp
;;   cmp rsp, qword ptr [r15]
;;   jb 0x7c
;;   sub rsp, 16
;;   mov qword ptr [rbp - 8], rbx
;;   mov esi, 1
;;   mov edx, 2
;;   mov ecx, 3
;;   mov r8d, 4
;;   mov r9d, 5
;;   mov eax, 6
;;   mov r10d, 7
;;   mov ebx, 8
;;   sub rsp, 16
;;   mov qword ptr [rsp], rbx
;;   mov qword ptr [rsp + 8], rdi
;;   mov rbx, qword ptr [rbp - 8]
;;   vmovsd xmm14, qword ptr [rbp + 8]
;;   mov rbp, qword ptr [rbp]
;;   vmovsd xmm15, qword ptr [rsp + 8]
;;   vmovsd qword ptr [rsp + 40], xmm15
;;   vmovsd xmm15, qword ptr [rsp]
;;   vmovsd qword ptr [rsp + 32], xmm15
;;   lea rsp, [rsp + 24]
;;   vmovsd qword ptr [rsp], xmm14
;;   jmp 0x7c
;;   ud2
;; function 6
;;   push rbp
;;   mov rbp, rsp
;;   cmp rsp, qword ptr [r15]
;;   jb 0x33
;;   sub rsp, 16
;;   mov rax, qword ptr [rbp + 24]
;;   mov qword ptr [rsp + 8], rax
;;   vmovsd xmm15, qword ptr [rsp + 8]
;;   vmovsd qword ptr [rsp + 40], xmm15
;;   vmovsd xmm15, qword ptr [rsp]
;;   vmovsd qword ptr [rsp + 32], xmm15
;;   leave
;;   jmp 0x33
;;   ud2
;; function 7
;;   push rbp
;;   mov rbp, rsp
;;   lea rax, [r15 + 64]
;;   mov r11, rax
;;   cmp r15, qword ptr [r11 + 8]
;;   pop rbp
;;   je 0x3a
;;   vmovq xmm15, r11
;;   mov r11, qword ptr [r15 + 56]
;;   cmp r11, qword ptr [rsp]
;;   je 0x2d
;;   push rbp
;;   mov rbp, rsp
;;   push r15
;;   push r15
;;   push r11
;;   jmp 0x31
;;   mov qword ptr [rbp - 8], r15
;;   vmovq r11, xmm15
;;   mov r15, qword ptr [r11 + 8]
;;   jmp qword ptr [r11]
;; function 8
;;   push rbp
;;   mov rbp, rsp
;;   cmp rsp, qword ptr [r15]
;;   jb 0xee
;;   sub rsp, 32
;;   mov qword ptr [rbp - 8], rbx
;;   mov qword ptr [rbp - 16], r12
;;   mov qword ptr [rbp - 24], r13
;;   mov rbx, qword ptr [rbp + 16]
;;   mov r12, qword ptr [rbp + 24]
;;   lea r13, [r15 + 80]
;;   sub rsp, 32
;;   mov qword ptr [rsp], rsi
;;   mov qword ptr [rsp + 8], rdi
;;   mov rsi, rbx
;;   mov rdi, r12
;;   mov r11, r13
;;   xchg rcx, rax
;;   xchg r10, rdx
;;   xchg r9, r8
;;   cmp r15, qword ptr [r11 + 8]
;;   mov rbx, qword ptr [rbp - 8]
;;   mov r12, qword ptr [rbp - 16]
;;   mov r13, qword ptr [rbp - 24]
;;   vmovsd xmm14, qword ptr [rbp + 8]
;;   mov rbp, qword ptr [rbp]
;;   je 0xc6
;;   vmovq xmm13, r11
;;   mov r11, qword ptr [r15 + 56]
;;   cmp r11, qword ptr [rsp + 72]
;;   je 0xbd
;;   vmovsd xmm15, qword ptr [rsp + 8]
;;   vmovsd qword ptr [rsp + 56], xmm15
;;   vmovsd xmm15, qword ptr [rsp]
;;   vmovsd qword ptr [rsp + 48], xmm15
;;   lea rsp, [rsp + 40]
;;   mov qword ptr [rsp], r11
;;   vmovsd qword ptr [rsp + 48], xmm14
;;   mov qword ptr [rsp + 40], rbp
;;   lea rbp, [rsp + 40]
;;   mov qword ptr [rbp - 8], r15
;;   mov qword ptr [rbp - 16], r15
;;   vmovq r11, xmm13
;;   jmp 0xe7
;;   mov qword ptr [rbp - 8], r15
;;   vmovq r11, xmm13
;;   vmovsd xmm15, qword ptr [rsp + 8]
;;   vmovsd qword ptr [rsp + 88], xmm15
;;   vmovsd xmm15, qword ptr [rsp]
;;   vmovsd qword ptr [rsp + 80], xmm15
;;   lea rsp, [rsp + 72]
;;   vmovsd qword ptr [rsp], xmm14
;;   mov r15, qword ptr [r11 + 8]
;;   jmp qword ptr [r11]
;;   ud2
;; function 9
;;   push rbp
;;   mov rbp, rsp
;;   mov rdi, qword ptr [rbp + 24]
;;   lea rax, [r15 + 64]
;;   mov r11, rax
;;   cmp r15, qword ptr [r11 + 8]
;;   vmovsd xmm14, qword ptr [rbp + 8]
;;   mov rbp, qword ptr [rbp]
;;   je 0x6a
;;   vmovq xmm13, r11
;;   mov r11, qword ptr [r15 + 56]
;;   cmp r11, qword ptr [rsp + 8]
;;   je 0x61
;;   lea rsp, [rsp - 8]
;;   mov qword ptr [rsp], r11
;;   vmovsd qword ptr [rsp + 32], xmm14
;;   mov qword ptr [rsp + 24], rbp
;;   lea rbp, [rsp + 24]
;;   mov qword ptr [rbp - 8], r15
;;   mov qword ptr [rbp - 16], r15
;;   vmovq r11, xmm13
;;   jmp 0x74
;;   mov qword ptr [rbp - 8], r15
;;   vmovq r11, xmm13
;;   lea rsp, [rsp + 24]
;;   vmovsd qword ptr [rsp], xmm14
;;   mov r15, qword ptr [r11 + 8]
;;   jmp qword ptr [r11]
;; function 10
;;   push rbp
;;   mov rbp, rsp
;;   cmp rsp, qword ptr [r15]
;;   jb 0x112
;;   sub rsp, 16
;;   mov qword ptr [rbp - 8], rbx
;;   mov qword ptr [rbp - 16], r12
;;   mov rax, qword ptr [r15 + 96]
;;   mov rax, qword ptr [rax + 16]
;;   mov ecx, dword ptr [rax + 16]
;;   cmp ecx, dword ptr [r15 + 116]
;;   jne 0x114
;;   mov esi, 1
;;   mov edx, 2
;;   mov ecx, 3
;;   mov r8d, 4
;;   mov r9d, 5
;;   mov r10d, 6
;;   mov ebx, 7
;;   mov r12d, 8
;;   sub rsp, 32
;;   mov qword ptr [rsp], r12
;;   mov qword ptr [rsp + 8], rdi
;;   mov r11, rax
;;   mov rax, r10
;;   mov r10, rbx
;;   cmp r15, qword ptr [r11 + 8]
;;   mov rbx, qword ptr [rbp - 8]
;;   mov r12, qword ptr [rbp - 16]
;;   vmovsd xmm14, qword ptr [rbp + 8]
;;   mov rbp, qword ptr [rbp]
;;   je 0xea
;;   vmovq xmm13, r11
;;   mov r11, qword ptr [r15 + 56]
;;   cmp r11, qword ptr [rsp + 56]
;;   je 0xe1
;;   vmovsd xmm15, qword ptr [rsp + 8]
;;   vmovsd qword ptr [rsp + 24], xmm15
;;   vmovsd xmm15, qword ptr [rsp]
;;   vmovsd qword ptr [rsp + 16], xmm15
;;   lea rsp, [rsp + 8]
;;   mov qword ptr [rsp], r11
;;   vmovsd qword ptr [rsp + 48], xmm14
;;   mov qword ptr [rsp + 40], rbp
;;   lea rbp, [rsp + 40]
;;   mov qword ptr [rbp - 8], r15
;;   mov qword ptr [rbp - 16], r15
;;   vmovq r11, xmm13
;;   jmp 0x10b
;;   mov qword ptr [rbp - 8], r15
;;   vmovq r11, xmm13
;;   vmovsd xmm15, qword ptr [rsp + 8]
;;   vmovsd qword ptr [rsp + 56], xmm15
;;   vmovsd xmm15, qword ptr [rsp]
;;   vmovsd qword ptr [rsp + 48], xmm15
;;   lea rsp, [rsp + 40]
;;   vmovsd qword ptr [rsp], xmm14
;;   mov r15, qword ptr [r11 + 8]
;;   jmp qword ptr [r11]
;;   ud2
;;   ud2
;; function 11
;;   push rbp
;;   mov rbp, rsp
;;   mov eax, 1
;;   mov r11, rdi
;;   mov rdi, rax
;;   cmp r15, qword ptr [r11 + 8]
;;   pop rbp
;;   je 0x3e
;;   vmovq xmm15, r11
;;   mov r11, qword ptr [r15 + 56]
;;   cmp r11, qword ptr [rsp]
;;   je 0x31
;;   push rbp
;;   mov rbp, rsp
;;   push r15
;;   push r15
;;   push r11
;;   jmp 0x35
;;   mov qword ptr [rbp - 8], r15
;;   vmovq r11, xmm15
;;   mov r15, qword ptr [r11 + 8]
;;   jmp qword ptr [r11]
