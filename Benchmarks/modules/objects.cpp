// Objects whose destructors run on every way out of their scopes: what exceptions cost while none
// is thrown. `build` makes it with THROWS and without.

static int depth = 0, released = 0;
static unsigned char heap[1 << 20];
static unsigned top = 0;

__attribute__((noinline)) void *take(unsigned bytes) {
    if (top + bytes > sizeof heap) top = 0;
    void *at = heap + top;
    top += (bytes + 15) & ~15u;
    return at;
}
__attribute__((noinline)) void give(void *) { ++released; }

struct Scope {
    Scope() { ++depth; }
    ~Scope() { --depth; }
};

template <class T> struct Owner {
    T *held;
    explicit Owner(T *p) : held(p) {}
    ~Owner() { held->~T(); give(held); }
    T *operator->() const { return held; }
};

struct Shape {
    virtual int area(int scale) const = 0;
    virtual ~Shape() {}
};
struct Square : Shape {
    int side;
    explicit Square(int s) : side(s) {}
    __attribute__((noinline)) int area(int scale) const override {
        Scope s;
        return side * side * scale;
    }
};
struct Circle : Shape {
    int radius;
    explicit Circle(int r) : radius(r) {}
    __attribute__((noinline)) int area(int scale) const override {
        Scope s;
        return 3 * radius * radius * scale;
    }
};

inline void *operator new(decltype(sizeof 0), void *at) noexcept { return at; }
void operator delete(void *) noexcept {}
void operator delete(void *, unsigned long) noexcept {}

__attribute__((noinline)) int check(int value) {
#if defined(THROWS)
    if (value == -123456789) throw value;
#else
    if (value == -123456789) __builtin_trap();
#endif
    return value & 1023;
}

__attribute__((noinline)) int measure(const Shape &shape, int scale) {
    Scope scope;
    return check(shape.area(scale));
}

__attribute__((noinline)) int step(int i) {
    Scope scope;
    Owner<Square> square(new (take(sizeof(Square))) Square(i & 63));
    Owner<Circle> circle(new (take(sizeof(Circle))) Circle(i & 31));
    int sum = 0;
#if defined(THROWS)
    try {
#endif
        sum += measure(*square.held, i & 7);
        sum += measure(*circle.held, i & 3);
#if defined(THROWS)
    } catch (int) {
        sum = -1;
    }
#endif
    return sum;
}

extern "C" __attribute__((export_name("run"))) int run(int rounds) {
    unsigned sum = 0;
    for (int i = 0; i < rounds; ++i) sum = sum * 31 + (unsigned)step(i);
    return depth == 0 ? (int)sum : -1;
}

extern "C" void __cxa_pure_virtual() { __builtin_trap(); }
#if defined(THROWS)
// Nothing is thrown: what a throw needs is not there.
extern "C" {
void *__cxa_allocate_exception(unsigned long) { __builtin_trap(); }
void __cxa_throw(void *, void *, void *) { __builtin_trap(); }
void *__cxa_begin_catch(void *) { __builtin_trap(); }
void __cxa_end_catch() {}
void *__cxa_get_exception_ptr(void *) { __builtin_trap(); }
int __gxx_wasm_personality_v0(...) { return 0; }
struct { unsigned long lpad_index; void *lsda; unsigned long selector; } __wasm_lpad_context;
int _Unwind_CallPersonality(void *) { __builtin_trap(); }
void __clang_call_terminate(void *) { __builtin_trap(); }
}
extern "C" { void *int_type_info[2] asm("_ZTIi") = {0, 0}; }
__asm__(".globl __cpp_exception\n.tagtype __cpp_exception i32\n__cpp_exception:\n");
namespace std { void terminate() { __builtin_trap(); } }
#endif
