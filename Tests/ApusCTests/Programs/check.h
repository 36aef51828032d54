// What the test programs have in common.
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

/// Ends the program, and says where, unless `condition` holds.
#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            const char *reason = apus_last_error(); \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, \
                reason == NULL ? "no error" : reason); \
            exit(1); \
        } \
    } while (0)

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#endif
