// Built by `make-fixtures`; tests know its lines.
extern volatile int sink;

__attribute__((always_inline)) static inline int clamped(int value) {
    if (value > 100) {
        sink = 100;
        return 100;
    }
    return value;
}
