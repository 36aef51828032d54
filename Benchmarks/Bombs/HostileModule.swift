/// Binary modules, put together byte by byte: small enough sections of them to make what no
/// ordinary compiler writes.
struct HostileModule {
    /// Function types, encoded.
    var types: [[UInt8]] = []
    /// Bodies with their types; functions without a type of their own have type 0.
    var functions: [(type: Int, body: [UInt8])] = []
    /// Further sections, each with its number, in the order of their numbers.
    var sections: [(number: UInt8, contents: [UInt8])] = []

    static let i32: UInt8 = 0x7F
    static let i64: UInt8 = 0x7E

    /// The type of functions with so many parameters and results, all of them i32.
    static func type(_ parameters: Int, _ results: Int) -> [UInt8] {
        [0x60] + leb(parameters) + Array(repeating: i32, count: parameters) + leb(results)
            + Array(repeating: i32, count: results)
    }

    /// A body with so many declared locals, all of them i32, and `code`, whose `end` is added.
    static func body(locals: Int = 0, _ code: [UInt8]) -> [UInt8] {
        let declared: [UInt8] = locals == 0 ? [0] : [1] + leb(locals) + [i32]
        return declared + code + [0x0B]
    }

    /// One function of type [] -> [] with so many locals.
    static func one(locals: Int = 0, _ code: [UInt8]) -> HostileModule {
        HostileModule(types: [type(0, 0)], functions: [(0, body(locals: locals, code))])
    }

    /// The module's bytes.
    var bytes: [UInt8] {
        var all = sections
        all.append((1, Self.vector(types)))
        all.append((3, Self.leb(functions.count) + functions.flatMap { Self.leb($0.type) }))
        all.append(
            (10, Self.vector(functions.map { Self.leb($0.body.count) + $0.body })))
        // A count of data segments stands before the code; custom sections come last.
        let order: [UInt8] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11, 0]
        var bytes: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]
        for number in order {
            for section in all where section.number == number {
                bytes += [number] + Self.leb(section.contents.count) + section.contents
            }
        }
        return bytes
    }

    /// A vector of the binary format.
    static func vector(_ items: [[UInt8]]) -> [UInt8] { leb(items.count) + items.flatMap { $0 } }

    /// An unsigned number in LEB128.
    static func leb(_ value: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
        return bytes
    }
}

/// Instructions, encoded.
enum Code {
    static func get(_ local: Int) -> [UInt8] { [0x20] + HostileModule.leb(local) }
    static func set(_ local: Int) -> [UInt8] { [0x21] + HostileModule.leb(local) }
    static func getGlobal(_ index: Int) -> [UInt8] { [0x23] + HostileModule.leb(index) }
    static func setGlobal(_ index: Int) -> [UInt8] { [0x24] + HostileModule.leb(index) }
    /// Numbers below 64.
    static func const(_ value: Int) -> [UInt8] { [0x41, UInt8(value & 0x3F)] }
    static func call(_ function: Int) -> [UInt8] { [0x10] + HostileModule.leb(function) }
    static func branch(_ depth: Int) -> [UInt8] { [0x0C] + HostileModule.leb(depth) }
    static func branchIf(_ depth: Int) -> [UInt8] { [0x0D] + HostileModule.leb(depth) }
    static let block: [UInt8] = [0x02, 0x40]
    static let loop: [UInt8] = [0x03, 0x40]
    static let `if`: [UInt8] = [0x04, 0x40]
    static let `else`: [UInt8] = [0x05]
    static let end: [UInt8] = [0x0B]
    static let drop: [UInt8] = [0x1A]
    static let add: [UInt8] = [0x6A]
    static let divide: [UInt8] = [0x6E]

    static func repeated(_ count: Int, _ code: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * code.count)
        for _ in 0..<count { bytes += code }
        return bytes
    }

    static func each(_ count: Int, _ code: (Int) -> [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        for index in 0..<count { bytes += code(index) }
        return bytes
    }
}
