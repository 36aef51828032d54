/// Modules whose bytes would cost too much of a careless compiler, by name; each in the size asked
/// for, which doubles with the argument.
enum HostileShapes {
    typealias Shape = (name: String, start: Int, make: @Sendable (Int) -> HostileModule)

    static let all: [Shape] =
        straight + stacks + nests + loops + branches + signatures + declarations

    /// Code without branches.
    private static let straight: [Shape] = [
        ("constants", 4000, { n in .one(Code.each(n) { Code.const($0) + Code.drop }) }),
        (
            "indirect calls", 2000,
            { n in
                var module = HostileModule.one(
                    locals: 1, Code.repeated(n, Code.get(0) + [0x11, 0, 0]))
                module.sections = [(4, [1, 0x70, 0, 1])]
                return module
            }
        ),
        (
            "loads", 2000,
            { n in
                let load: [UInt8] = Code.get(0) + [0x28, 2]
                var module = HostileModule.one(
                    locals: 1, Code.each(n) { load + HostileModule.leb($0 * 4) + Code.drop })
                module.sections = [(5, [1, 0, 1])]
                return module
            }
        ),
        (
            "stores", 2000,
            { n in
                let store: [UInt8] = Code.get(0) + Code.get(0) + [0x36, 2]
                var module = HostileModule.one(
                    locals: 1, Code.each(n) { store + HostileModule.leb($0 * 4) })
                module.sections = [(5, [1, 0, 1])]
                return module
            }
        ),
        (
            "divisions", 2000,
            { n in
                let step = Code.get(0) + Code.get(1) + Code.divide + Code.set(0)
                return .one(locals: 2, Code.repeated(n, step))
            }
        ),
        (
            "sums", 2000,
            { n in
                let sum = Code.each(n) { Code.const($0) + Code.add }
                return globals(1, .one(Code.getGlobal(0) + sum + Code.setGlobal(0)))
            }
        ),
        (
            "globals", 1000,
            { n in
                globals(
                    n,
                    .one(
                        Code.each(n) {
                            Code.getGlobal($0) + Code.getGlobal(($0 + 1) % n) + Code.add
                                + Code.setGlobal($0)
                        }))
            }
        ),
        (
            "globals read, then used", 1000,
            { n in
                globals(
                    n,
                    .one(
                        locals: n,
                        Code.each(n) { Code.getGlobal($0) + Code.set($0) }
                            + Code.each(n) { Code.get($0) + Code.setGlobal(($0 + 1) % n) }))
            }
        ),
        (
            "vectors", 1000,
            { n in
                .one(
                    Code.each(n) {
                        [0xFD, 0x0C] + HostileModule.leb($0 + (1 << 21))
                            + Array(
                                repeating: UInt8(truncatingIfNeeded: $0), count: 12) + Code.drop
                    })
            }
        ),
        (
            "floats", 1000,
            { n in
                var module = HostileModule.one(
                    Code.each(n) { index -> [UInt8] in
                        let bits = index &* 2_654_435_761
                        let bytes = [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: bits >> $0) }
                        return [0x43] + bytes + [0x24, 0]
                    })
                module.sections = [(6, [1, 0x7D, 1, 0x43, 0, 0, 0, 0, 0x0B])]
                return module
            }
        ),
    ]

    /// Many operands.
    private static let stacks: [Shape] = [
        (
            "deep stack", 2000,
            { n in
                globals(
                    1,
                    .one(
                        Code.repeated(n, Code.getGlobal(0)) + Code.repeated(n - 1, Code.add)
                            + Code.drop))
            }
        ),
        (
            "deep stack of locals, each of them set", 1000,
            { n in
                .one(
                    locals: 2,
                    Code.repeated(n, Code.get(0))
                        + Code.repeated(n, Code.const(1) + Code.set(1))
                        + Code.repeated(n, Code.drop))
            }
        ),
        (
            "deep stack of constants, and calls", 1000,
            { n in
                .one(
                    Code.repeated(n, Code.const(1)) + Code.repeated(n, Code.call(0))
                        + Code.repeated(n, Code.drop))
            }
        ),
        (
            "deep stack of constants, and blocks", 1000,
            { n in
                .one(
                    Code.repeated(n, Code.const(1))
                        + Code.repeated(n, Code.block + Code.end)
                        + Code.repeated(n, Code.drop))
            }
        ),
        (
            "deep stack of constants above a sum, and divisions", 1000,
            { n in
                .one(
                    locals: 2,
                    Code.repeated(12, Code.get(0) + Code.get(1) + Code.add)
                        + Code.repeated(n, Code.const(1))
                        + Code.repeated(n, Code.get(0) + Code.get(1) + Code.divide + Code.drop)
                        + Code.repeated(n + 12, Code.drop))
            }
        ),
        (
            "deep stack, and branches with a result", 1000,
            { n in
                .one(
                    locals: 1,
                    Code.repeated(n, Code.const(1))
                        + Code.repeated(
                            n,
                            [0x02, HostileModule.i32] + Code.const(2) + Code.get(0)
                                + Code.branchIf(0) + Code.end + Code.drop)
                        + Code.repeated(n, Code.drop))
            }
        ),
    ]

    /// Deep structure.
    private static let nests: [Shape] = [
        (
            "nested blocks", 2000,
            { n in .one(Code.repeated(n, Code.block) + Code.repeated(n, Code.end)) }
        ),
        (
            "nested ifs", 1000,
            { n in
                .one(
                    locals: 1,
                    Code.repeated(n, Code.get(0) + Code.if) + Code.repeated(n, Code.end))
            }
        ),
        (
            "nested ifs that set a local", 1000,
            { n in
                .one(
                    locals: 2,
                    Code.repeated(n, Code.get(0) + Code.if)
                        + Code.repeated(n, Code.const(3) + Code.set(1) + Code.end))
            }
        ),
        (
            "nested ifs with else", 1000,
            { n in
                .one(
                    locals: 2,
                    Code.repeated(n, Code.get(0) + Code.if)
                        + Code.each(n) { Code.else + Code.const($0) + Code.set(1) + Code.end })
            }
        ),
        (
            "values over nested ifs", 500,
            { n in
                .one(
                    locals: 2,
                    Code.repeated(
                        n,
                        Code.get(0) + Code.get(1) + Code.add + Code.set(0) + Code.get(0)
                            + Code.if)
                        + Code.repeated(
                            n, Code.get(0) + Code.const(5) + [0x6C] + Code.set(1) + Code.end))
            }
        ),
        (
            "nested branches outwards", 1000,
            { n in
                .one(
                    locals: 1,
                    Code.repeated(n, Code.block)
                        + Code.each(n) { Code.get(0) + Code.branchIf($0) }
                        + Code.repeated(n, Code.end))
            }
        ),
        (
            "nested branches inwards", 1000,
            { n in
                .one(
                    locals: 1,
                    Code.repeated(n, Code.block)
                        + Code.each(n) { Code.get(0) + Code.branchIf(n - 1 - $0) }
                        + Code.repeated(n, Code.end))
            }
        ),
        (
            "nested sets of a local, and branches out of all", 1000,
            { n in
                .one(
                    locals: 2,
                    Code.each(n) { Code.block + Code.const($0) + Code.set(1) }
                        + Code.repeated(n, Code.get(0) + Code.branchIf(n - 1))
                        + Code.repeated(n, Code.end))
            }
        ),
        (
            "throws under many clauses", 500,
            { n in
                let clauses = Code.repeated(n, [0, 0, 0]) + [0, 1, 0]
                let throwing = Code.get(0) + Code.if + [0x08, 1] + Code.end
                var module = HostileModule.one(
                    locals: 1,
                    Code.block + [0x1F, 0x40] + HostileModule.leb(n + 1) + clauses
                        + Code.repeated(n, throwing) + Code.end + Code.end)
                module.sections = [(13, HostileModule.vector([[0, 0], [0, 0]]))]
                return module
            }
        ),
        (
            "nested branches, each at its block", 1000,
            { n in
                .one(
                    locals: 1,
                    Code.repeated(n, Code.block + Code.get(0) + Code.branchIf(0))
                        + Code.repeated(n, Code.end))
            }
        ),
        (
            "labels before locals", 100,
            { n in
                .one(
                    locals: n,
                    Code.repeated(n, Code.block)
                        + Code.each(n) { Code.get($0) + Code.branchIf($0) }
                        + Code.each(n) { Code.const($0) + Code.set($0) + Code.end }
                        + Code.each(n) { Code.get($0) + Code.drop })
            }
        ),
        (
            "locals at one label", 200,
            { n in
                .one(
                    locals: n,
                    Code.block
                        + Code.each(n) {
                            Code.const($0) + Code.set($0) + Code.get($0) + Code.branchIf(0)
                        } + Code.end + Code.each(n) { Code.get($0) + Code.call(0) + Code.drop })
            }
        ),
    ]

    /// Loops.
    private static let loops: [Shape] = [
        (
            "nested loops", 500,
            { n in
                let opening = Code.each(n) {
                    Code.loop + Code.get($0 % 8) + Code.const($0) + Code.add + Code.set($0 % 8)
                }
                return .one(
                    locals: 8,
                    opening + Code.each(n) { Code.get($0 % 8) + Code.branchIf(0) + Code.end })
            }
        ),
        (
            "nested loops with 50 locals", 50,
            { n in
                let opening = Code.each(n) {
                    Code.loop + Code.get($0 % 50) + Code.const($0) + Code.add + Code.set($0 % 50)
                }
                return .one(
                    locals: 50,
                    opening + Code.each(n) { Code.get($0 % 50) + Code.branchIf(0) + Code.end })
            }
        ),
        (
            "nested loops with calls", 50,
            { n in
                let opening = Code.each(n) {
                    Code.loop + Code.call(0) + Code.get($0 % 20) + Code.const($0) + Code.add
                        + Code.set($0 % 20)
                }
                return .one(
                    locals: 20,
                    opening + Code.each(n) { Code.get($0 % 20) + Code.branchIf(0) + Code.end })
            }
        ),
        (
            "nested loops, all left at once", 200,
            { n in
                .one(
                    locals: 4,
                    Code.block + Code.repeated(n, Code.loop)
                        + Code.each(n) {
                            Code.get($0 % 4) + Code.branchIf($0) + Code.const($0)
                                + Code.set($0 % 4)
                        }
                        + Code.get(0) + Code.branchIf(n) + Code.repeated(n, Code.end) + Code.end)
            }
        ),
        (
            "nested loops, each left to the outside", 200,
            { n in
                .one(
                    locals: 4,
                    Code.block
                        + Code.each(n) {
                            Code.loop + Code.get($0 % 4) + Code.branchIf($0 + 1)
                        }
                        + Code.each(n) {
                            Code.get($0 % 4) + Code.branchIf(0) + Code.end
                        } + Code.end)
            }
        ),
        (
            "nested loops with as many locals", 50,
            { n in
                .one(
                    locals: n,
                    Code.repeated(n, Code.loop)
                        + Code.each(n) {
                            Code.get($0) + Code.const(1) + Code.add + Code.set($0) + Code.get($0)
                                + Code.branchIf(0) + Code.end
                        })
            }
        ),
        (
            "locals in a loop", 500,
            { n in
                .one(
                    locals: n,
                    Code.loop
                        + Code.each(n) {
                            Code.get($0) + Code.const(1) + Code.add + Code.set($0)
                        } + Code.get(0) + Code.branchIf(0) + Code.end)
            }
        ),
        (
            "locals that change places in a loop", 500,
            { n in
                .one(
                    locals: n,
                    Code.loop + Code.each(n) { Code.get($0) }
                        + Code.each(n) { Code.set($0) } + Code.get(0) + Code.branchIf(0)
                        + Code.end)
            }
        ),
        (
            "loops one after the other over all locals", 50,
            { n in
                .one(
                    locals: n,
                    Code.each(n) { Code.const($0) + Code.set($0) }
                        + Code.each(n) {
                            Code.loop + Code.get($0) + Code.const(1) + Code.add + Code.set($0)
                                + Code.get(($0 + 1) % n) + Code.branchIf(0) + Code.end
                        } + Code.each(n) { Code.get($0) + Code.drop })
            }
        ),
        (
            "ways back to one loop", 200,
            { n in
                .one(
                    locals: n,
                    Code.loop
                        + Code.each(n) {
                            Code.get($0) + Code.const(1) + Code.add + Code.set($0)
                                + Code.get($0) + Code.branchIf(0)
                        } + Code.end)
            }
        ),
        (
            "values above nested loops", 200,
            { n in
                .one(
                    locals: 2,
                    Code.repeated(n, Code.loop)
                        + Code.each(n) {
                            Code.get(0) + Code.const($0) + [0x6C] + Code.set(1)
                        }
                        + Code.repeated(n, Code.get(1) + Code.branchIf(0) + Code.end))
            }
        ),
    ]

    /// Labels and tables of them.
    private static let branches: [Shape] = [
        (
            "tables of one label", 1,
            { n in
                let width = 500
                let table =
                    [0x02, 1] + Code.repeated(width, Code.const(0)) + Code.get(0) + [0x0E]
                    + HostileModule.leb(10_000) + Array(repeating: 0, count: 10_001) + Code.end
                    + Code.repeated(width, Code.drop)
                return HostileModule(
                    types: [HostileModule.type(0, 0), HostileModule.type(0, width)],
                    functions: [(0, HostileModule.body(locals: 1, Code.repeated(n, table)))])
            }
        ),
        (
            "tables of one label with locals", 4,
            { n in
                let table: [UInt8] =
                    [0x0E] + HostileModule.leb(1000) + Array(repeating: 0, count: 1001)
                return .one(
                    locals: 100,
                    Code.repeated(
                        n,
                        Code.block + Code.each(100) { Code.get($0) + Code.set(99 - $0) }
                            + Code.get(0) + table + Code.end))
            }
        ),
        (
            "tables of many labels", 1,
            { n in
                let count = 500
                let table =
                    Code.repeated(count, Code.block) + Code.get(0) + [0x0E]
                    + HostileModule.leb(count - 1) + Code.each(count) { HostileModule.leb($0) }
                    + Code.repeated(count, Code.const(1) + Code.set(0) + Code.end)
                return .one(locals: 1, Code.repeated(n, table))
            }
        ),
        (
            "loops around tables", 1,
            { n in
                let count = 500
                let table =
                    [0x0E] + HostileModule.leb(count - 1)
                    + Code.each(count) { HostileModule.leb($0) }
                let cases = Code.each(count) {
                    Code.end + Code.get($0 % 20) + Code.const(1) + Code.add + Code.set($0 % 20)
                        + Code.branch(count - 1 - $0)
                }
                let loop =
                    Code.loop + Code.repeated(count, Code.block) + Code.get(0) + table + cases
                    + Code.end
                return .one(locals: 20, Code.repeated(n, loop))
            }
        ),
        (
            "diamonds", 1000,
            { n in
                .one(
                    locals: 10,
                    Code.each(n) {
                        Code.get($0 % 10) + Code.if + Code.const($0) + Code.set(($0 + 1) % 10)
                            + Code.else + Code.const($0 + 1) + Code.set(($0 + 2) % 10) + Code.end
                    })
            }
        ),
        (
            "diamonds over many locals", 200,
            { n in
                .one(
                    locals: n,
                    Code.each(n) { Code.getGlobal(0) + Code.set($0) }
                        + Code.each(n) {
                            Code.get($0) + Code.if + Code.const($0) + Code.set(($0 + 1) % n)
                                + Code.end
                        } + Code.each(n) { Code.get($0) + Code.setGlobal(0) }
                )
                .withGlobals(1)
            }
        ),
        (
            "returns", 1000,
            { n in
                .one(locals: 1, Code.repeated(n, Code.get(0) + Code.if + [0x0F] + Code.end))
            }
        ),
    ]

    /// Many parameters and results.
    private static let signatures: [Shape] = [
        (
            "wide calls", 10,
            { n in
                HostileModule(
                    types: [HostileModule.type(0, 0), HostileModule.type(1000, 1000)],
                    functions: [
                        (
                            0,
                            HostileModule.body(
                                locals: 1,
                                Code.repeated(1000, Code.get(0)) + Code.repeated(n, Code.call(1))
                                    + Code.repeated(1000, Code.drop))
                        ),
                        (1, HostileModule.body(Code.each(1000) { Code.get($0) })),
                    ])
            }
        ),
        (
            "wide blocks", 50,
            { n in
                HostileModule(
                    types: [HostileModule.type(0, 0), HostileModule.type(1000, 1000)],
                    functions: [
                        (
                            0,
                            HostileModule.body(
                                locals: 1,
                                Code.repeated(1000, Code.get(0))
                                    + Code.repeated(n, [0x02, 1] + Code.end)
                                    + Code.repeated(1000, Code.drop))
                        )
                    ])
            }
        ),
        (
            "wide branches", 20,
            { n in
                HostileModule(
                    types: [HostileModule.type(0, 0), HostileModule.type(0, 1000)],
                    functions: [
                        (
                            0,
                            HostileModule.body(
                                locals: 1,
                                [0x02, 1] + Code.repeated(1000, Code.get(0))
                                    + Code.repeated(n, Code.get(0) + Code.branchIf(0)) + Code.end
                                    + Code.repeated(1000, Code.drop))
                        )
                    ])
            }
        ),
        (
            "wide loops", 20,
            { n in
                HostileModule(
                    types: [HostileModule.type(0, 0), HostileModule.type(1000, 1000)],
                    functions: [
                        (
                            0,
                            HostileModule.body(
                                locals: 1,
                                Code.repeated(1000, Code.get(0))
                                    + Code.repeated(
                                        n, [0x03, 1] + Code.get(0) + Code.branchIf(0) + Code.end)
                                    + Code.repeated(1000, Code.drop))
                        )
                    ])
            }
        ),
        (
            "wide returns", 20,
            { n in
                HostileModule(
                    types: [HostileModule.type(0, 1000)],
                    functions: [
                        (
                            0,
                            HostileModule.body(
                                locals: 1,
                                Code.repeated(1000, Code.get(0))
                                    + Code.repeated(n, Code.get(0) + Code.branchIf(0)))
                        )
                    ])
            }
        ),
        (
            "wide functions", 200,
            { n in
                HostileModule(
                    types: [HostileModule.type(1000, 0)],
                    functions: Array(repeating: (0, HostileModule.body([])), count: n))
            }
        ),
    ]

    /// Much that is declared.
    private static let declarations: [Shape] = [
        (
            "locals that nobody uses", 500,
            { n in
                HostileModule(
                    types: [HostileModule.type(0, 0)],
                    functions: Array(
                        repeating: (0, HostileModule.body(locals: 50_000, [])), count: n))
            }
        ),
        (
            "locals of which one is used", 500,
            { n in
                HostileModule(
                    types: [HostileModule.type(0, 0)],
                    functions: Array(
                        repeating: (
                            0,
                            HostileModule.body(
                                locals: 50_000,
                                Code.const(1) + Code.set(49_999)
                                    + Code.get(49_999) + Code.drop)
                        ), count: n))
            }
        ),
        (
            "small loops among locals", 500,
            { n in
                .one(
                    locals: 50_000,
                    Code.repeated(n, Code.loop + Code.get(7) + Code.branchIf(0) + Code.end))
            }
        ),
        (
            "callees with locals", 100,
            { n in
                HostileModule(
                    types: [HostileModule.type(0, 0)],
                    functions: [(0, HostileModule.body(locals: 50_000, []))]
                        + Array(
                            repeating: (0, HostileModule.body(Code.repeated(20, Code.call(0)))),
                            count: n))
            }
        ),
        (
            "empty functions", 2000,
            { n in
                HostileModule(
                    types: [HostileModule.type(0, 0)],
                    functions: Array(repeating: (0, HostileModule.body([])), count: n))
            }
        ),
        (
            "types", 1000,
            { n in
                let types = (0..<n).map { index in
                    [0x60, 14]
                        + (0..<14).map { index >> $0 & 1 == 0 ? HostileModule.i32 : 0x7E } + [0]
                }
                return HostileModule(
                    types: types, functions: [(0, HostileModule.body([]))])
            }
        ),
        (
            "exports", 1000,
            { n in
                var module = HostileModule.one([])
                let exports = (0..<n).map { index -> [UInt8] in
                    let name = Array("\(index)".utf8)
                    return HostileModule.leb(name.count) + name + [0, 0]
                }
                module.sections = [(7, HostileModule.vector(exports))]
                return module
            }
        ),
        (
            "data", 1000,
            { n in
                var module = HostileModule.one([])
                let segment: [UInt8] = [0, 0x41, 0, 0x0B, 1, 7]
                module.sections = [
                    (5, [1, 0, 1]),
                    (11, HostileModule.vector(Array(repeating: segment, count: n))),
                ]
                return module
            }
        ),
        (
            "names", 2000,
            { n in
                var module = HostileModule(
                    types: [HostileModule.type(0, 0)],
                    functions: Array(repeating: (0, HostileModule.body([])), count: n))
                let names = (0..<n).map { HostileModule.leb($0) + [1, 0x61] }
                let list = HostileModule.vector(names)
                module.sections = [
                    (0, [4] + Array("name".utf8) + [1] + HostileModule.leb(list.count) + list)
                ]
                return module
            }
        ),
        (
            "elements", 1000,
            { n in
                var module = HostileModule.one([])
                let segment: [UInt8] = [0, 0x41, 0, 0x0B, 1, 0]
                module.sections = [
                    (4, [1, 0x70, 0, 1]),
                    (9, HostileModule.vector(Array(repeating: segment, count: n))),
                ]
                return module
            }
        ),
        (
            "sum of constants in a global", 1000,
            { n in
                var module = HostileModule.one([])
                module.sections = [
                    (
                        6,
                        [1, HostileModule.i32, 0] + Code.repeated(n, Code.const(1))
                            + Code.repeated(n - 1, Code.add) + Code.end
                    )
                ]
                return module
            }
        ),
    ]

    private static func globals(_ count: Int, _ module: HostileModule) -> HostileModule {
        module.withGlobals(count)
    }
}

extension HostileModule {
    /// The module with so many mutable globals, all of them i32.
    func withGlobals(_ count: Int) -> HostileModule {
        var module = self
        let global: [UInt8] = [Self.i32, 1, 0x41, 3, 0x0B]
        module.sections.append((6, Self.vector(Array(repeating: global, count: count))))
        return module
    }
}
