// Built by `make-fixtures` without optimization; tests of `apus debug` know its lines.
struct slice {
    const char *start;
    unsigned count;
};

#define imported(name) \
    __attribute__((import_module("wasi_snapshot_preview1"), import_name(name)))
imported("fd_write") int fd_write(int, const struct slice *, int, unsigned *);
imported("proc_exit") _Noreturn void proc_exit(int);

enum color { red, green = 5 };

struct point {
    int x, y;
    enum color color;
    unsigned low : 3, high : 5;
};

static struct point points[3];
int total;

static void say(const char *text, unsigned count) {
    struct slice slice = {text, count};
    unsigned written;
    fd_write(1, &slice, 1, &written);
}

static int sum(const struct point *all, int count) {
    int result = 0;
    for (int index = 0; index < count; index++) {
        int product = all[index].x * all[index].y;
        result += product;
    }
    return result;
}

__attribute__((export_name("_start"))) void start(void) {
    for (int index = 0; index < 3; index++) {
        points[index].x = index + 1;
        points[index].y = 2;
        points[index].color = index == 1 ? green : red;
        points[index].high = 9;
    }
    say("hello\n", 6);
    total = sum(points, 3);
    say("done\n", 5);
    if (total == 100) __builtin_trap();
    proc_exit(total);
}
