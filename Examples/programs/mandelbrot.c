// Draws the Mandelbrot set in text: mandelbrot [COLUMNS [LIMIT]].
#include <stdio.h>
#include <stdlib.h>

// How many steps the point x + yi takes to leave the circle of radius 2; LIMIT if it stays.
static int steps(double x, double y, int limit) {
    double a = 0, b = 0;
    for (int step = 0; step < limit; step++) {
        double real = a * a, imaginary = b * b;
        if (real + imaginary > 4) return step;
        b = 2 * a * b + y;
        a = real - imaginary + x;
    }
    return limit;
}

// The number that the argument at `index` spells, within bounds, or `otherwise`.
static int number(int count, char **words, int index, int otherwise, int greatest) {
    if (index >= count) return otherwise;
    long value = strtol(words[index], NULL, 10);
    return value < 1 ? 1 : value > greatest ? greatest : (int)value;
}

int main(int count, char **words) {
    static const char shades[] = " .:-=+*#%@";
    int columns = number(count, words, 1, 78, 1000);
    int limit = number(count, words, 2, 2000, 1000000);
    int rows = columns * 2 / 5;
    long total = 0;
    for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
            double x = -2.2 + 3.2 * column / columns;
            double y = -1.3 + 2.6 * row / rows;
            int taken = steps(x, y, limit);
            total += taken;
            int shade = 0;
            for (int rest = taken; rest > 1 && shade < 9; rest /= 2) shade++;
            putchar(taken == limit ? '@' : shades[shade < 9 ? shade : 8]);
        }
        putchar('\n');
    }
    printf("%ld steps\n", total);
    return 0;
}
