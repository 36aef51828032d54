// Virtual functions: areas of shapes of four classes, most of them of one, and a small interpreter
// of expression trees.
#include <cstdint>
#include <cstdio>

struct Shape {
    virtual double area() const = 0;
    virtual void grow(double) = 0;
    virtual ~Shape() {}
};

struct Square : Shape {
    double side;
    explicit Square(double side) : side(side) {}
    double area() const override { return side * side; }
    void grow(double by) override { side += by; }
};

struct Circle : Shape {
    double radius;
    explicit Circle(double radius) : radius(radius) {}
    double area() const override { return radius * radius * 3.14159; }
    void grow(double by) override { radius += by; }
};

struct Rectangle : Shape {
    double width, height;
    Rectangle(double width, double height) : width(width), height(height) {}
    double area() const override { return width * height; }
    void grow(double by) override { width += by; height -= by; }
};

struct Node {
    virtual int64_t value(const int64_t *variables) const = 0;
    virtual ~Node() {}
};

struct Variable : Node {
    int index;
    explicit Variable(int index) : index(index) {}
    int64_t value(const int64_t *variables) const override { return variables[index]; }
};

struct Sum : Node {
    Node *left, *right;
    Sum(Node *left, Node *right) : left(left), right(right) {}
    int64_t value(const int64_t *variables) const override {
        return left->value(variables) + right->value(variables);
    }
};

static const int count = 1000;
static Shape *shapes[count];

static Node *tree(int depth, int &next) {
    if (depth == 0) return new Variable(next++ & 7);
    Node *left = tree(depth - 1, next);
    return new Sum(left, tree(depth - 1, next));
}

int main() {
    for (int i = 0; i < count; i++) {
        switch (i % 20) {
        case 3: shapes[i] = new Circle(i * 0.25); break;
        case 11: shapes[i] = new Rectangle(i, 3); break;
        default: shapes[i] = new Square(i * 0.5);
        }
    }
    double total = 0;
    for (int round = 0; round < 60000; round++) {
        for (int i = 0; i < count; i++) total += shapes[i]->area();
        if (round % 16 == 0)
            for (int i = 0; i < count; i++) shapes[i]->grow(0.001);
    }
    int next = 0;
    Node *root = tree(12, next);
    int64_t variables[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    int64_t sum = 0;
    for (int round = 0; round < 3000; round++) {
        variables[round & 7]++;
        sum += root->value(variables);
    }
    printf("%.3f %lld\n", total, (long long)sum);
}
