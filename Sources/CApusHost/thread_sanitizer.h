#ifndef APUS_THREAD_SANITIZER_H
#define APUS_THREAD_SANITIZER_H

// Whether this is built with the thread sanitizer.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define APUS_SANITIZES_THREADS 1
#endif
#endif

#ifdef APUS_SANITIZES_THREADS
// How it is told which stack a thread is on.
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void *__tsan_get_current_fiber(void);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
#endif

#endif
