#include "apus_references.h"

// Swift's runtime: what it loads weak references with.
extern void *swift_tryRetain(void *object);

void *apus_keep_unless_going(void *object) {
    return swift_tryRetain(object);
}
