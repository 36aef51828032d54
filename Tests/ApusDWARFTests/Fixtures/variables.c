// Built by `make-fixtures` without optimization; tests know its lines.
struct point {
    int x;
    int y;
};

static long long scale = 10;

static int area(struct point size, int factor) {
    int product = size.x * size.y;
    int result = product * factor;
    return result;
}

__attribute__((export_name("run"))) int run(int count) {
    struct point size = {3, 4};
    double half = 0.5;
    int *last = &size.y;
    int total = 0;
    for (int index = 0; index < count; index++) {
        total += area(size, index);
        *last += 1;
    }
    return total + (int)(scale * half);
}
