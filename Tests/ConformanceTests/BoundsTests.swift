import Apus
import ApusFormat
import Testing

/// Accesses at the edges of memories, for every way of checking them: what is in bounds succeeds,
/// what is not traps, for addresses that are known while compiling and for others.
@Suite struct BoundsTests {
    /// A kind of memory, declared as `declaration`, with `count` pages at first.
    struct Kind: CustomTestStringConvertible, Sendable {
        var address: String
        var count: UInt64
        var pageBytes: UInt64
        var alwaysChecks = false
        var compilation = Compilation.optimizing

        var is64: Bool { address == "i64" }
        var declaration: String {
            let size = pageBytes == 1 ? "(pagesize 1)" : ""
            return "\(address) \(count) \(count * 4 + 4) \(size)"
        }
        var testDescription: String {
            declaration + (alwaysChecks ? " always checked, " : ", ") + compilation.rawValue
        }
    }

    /// Where in its module the memory is.
    enum Place: CaseIterable { case first, second, imported, secondImported }

    static var kinds: [Kind] {
        let kinds = ["i32", "i64"].flatMap { address in
            [
                Kind(address: address, count: 2, pageBytes: 65536),
                Kind(address: address, count: 2, pageBytes: 65536, alwaysChecks: true),
                Kind(address: address, count: 0, pageBytes: 65536, alwaysChecks: true),
                Kind(address: address, count: 4099, pageBytes: 1),
            ]
        }
        return Compilation.allCases.flatMap { compilation in
            kinds.map { kind in
                var kind = kind
                kind.compilation = compilation
                return kind
            }
        }
    }

    static let accesses: [(name: String, bytes: UInt64)] = [
        ("i32.load8_u", 1), ("i64.load16_s", 2), ("i32.load", 4), ("f64.load", 8),
        ("v128.load", 16), ("v128.load64_splat", 8),
    ]

    static func offsets(_ kind: Kind) -> [UInt64] {
        let narrow: [UInt64] = [
            0, 1, 4090, 65535, 0x7FFF_FFEF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
        ]
        return kind.is64
            ? narrow + [1 << 32, 1 << 47, .max - 7, .max] : narrow
    }

    static func addresses(_ kind: Kind, size: UInt64, reach: UInt64) -> [UInt64] {
        let near = size &- reach
        let all: [UInt64] = [
            0, 1, near, near &+ 1, near &- 1, size &- 1, size, size &+ 1, 0x7FFF_FFFF,
            0x8000_0000, 0xFFFF_FFFF, 1 << 32, 1 << 63, .max,
        ]
        return kind.is64 ? all : all.filter { $0 <= UInt64(UInt32.max) }
    }

    static func isInBounds(
        _ address: UInt64, _ offset: UInt64, _ bytes: UInt64, size: UInt64
    ) -> Bool {
        let (start, overflow) = address.addingReportingOverflow(offset)
        let (end, overflowToo) = start.addingReportingOverflow(bytes)
        return !overflow && !overflowToo && end <= size
    }

    @Test(arguments: kinds, Place.allCases)
    func loadsAtTheEdges(kind: Kind, place: Place) throws {
        let size = kind.count * kind.pageBytes
        for offset in Self.offsets(kind) {
            var text = ""
            for (index, access) in Self.accesses.enumerated() {
                let load = "\(access.name) $m offset=\(offset)"
                text += """
                    (func (export "v\(index)") (param \(kind.address))
                      (drop (\(load) (local.get 0))))

                    """
                let addresses = Self.addresses(kind, size: size, reach: offset &+ access.bytes)
                for (number, address) in addresses.enumerated() {
                    text += """
                        (func (export "c\(index)_\(number)")
                          (drop (\(load) (\(kind.address).const \(address)))))

                        """
                }
            }
            let instance = try instantiate(kind, place, text)
            for (index, access) in Self.accesses.enumerated() {
                let variable = try instance.function("v\(index)")
                let addresses = Self.addresses(kind, size: size, reach: offset &+ access.bytes)
                for (number, address) in addresses.enumerated() {
                    let fits = Self.isInBounds(address, offset, access.bytes, size: size)
                    let value = Self.value(address, kind)
                    #expect(
                        succeeds { try variable.call(value) } == fits,
                        "\(access.name) \(address) + \(offset)")
                    let constant = try instance.function("c\(index)_\(number)")
                    #expect(
                        succeeds { try constant.call() } == fits,
                        "\(access.name) constant \(address) + \(offset)")
                }
            }
        }
    }

    /// A store that does not fit writes nothing; one that fits after growth writes all.
    @Test(arguments: kinds, Place.allCases)
    func storesAtTheEdges(kind: Kind, place: Place) throws {
        let instance = try instantiate(
            kind, place,
            """
            (func (export "store") (param \(kind.address) i64)
              (i64.store $m offset=3 (local.get 0) (local.get 1)))
            (func (export "constant") (param \(kind.address))
              (i64.store $m offset=3 (local.get 0) (i64.const -1)))
            (func (export "lane") (param \(kind.address))
              (v128.store32_lane $m offset=7 1 (local.get 0) (v128.const i32x4 1 -1 3 4)))
            (func (export "load") (param \(kind.address)) (result i64)
              (i64.load $m (local.get 0)))
            (func (export "grow") (param \(kind.address)) (result \(kind.address))
              (memory.grow $m (local.get 0)))
            (func (export "size") (result \(kind.address)) (memory.size $m))
            """)
        func address(_ value: UInt64) -> Value { Self.value(value, kind) }
        let delta = kind.pageBytes == 1 ? 21 : 1 as UInt64
        for step in 0...2 {
            let pages = kind.count + delta * UInt64(step)
            let size = pages * kind.pageBytes
            #expect(try number(instance.function("size").call()) == pages)
            if size > 0 {
                let store = try instance.function("store")
                #expect(!succeeds { try store.call(address(size - 10), .i64(-1)) })
                #expect(try number(instance.function("load").call(address(size - 8))) == 0)
                #expect(!succeeds { try instance.function("constant").call(address(size - 10)) })
                #expect(!succeeds { try instance.function("lane").call(address(size - 10)) })
                #expect(try number(instance.function("load").call(address(size - 8))) == 0)
                _ = try store.call(address(size - 11), .i64(0x0102_0304_0506_0708))
                #expect(
                    try number(instance.function("load").call(address(size - 8)))
                        == 0x0102_0304_0506_0708)
                _ = try instance.function("lane").call(address(size - 11))
                #expect(
                    try number(instance.function("load").call(address(size - 8)))
                        == 0xFFFF_FFFF_0506_0708)
                _ = try instance.function("constant").call(address(size - 11))
                #expect(try number(instance.function("load").call(address(size - 8))) == .max)
            }
            if step < 2 {
                #expect(try number(instance.function("grow").call(address(delta))) == pages)
            }
        }
        let failure = kind.is64 ? UInt64.max : UInt64(UInt32.max)
        #expect(try number(instance.function("grow").call(address(failure))) == failure)
    }

    // MARK: Making and calling

    private func instantiate(_ kind: Kind, _ place: Place, _ functions: String) throws -> Instance {
        var configuration = kind.compilation.configuration
        configuration.features.insert(FeatureSet(.customPageSizes))
        configuration.alwaysChecksBounds = kind.alwaysChecks
        let engine = Engine(configuration)
        let store = Store(engine)
        var linker = Linker(engine)
        let exporter = "(module (memory (export \"m\") \(kind.declaration)))"
        let memories =
            switch place {
            case .first: "(memory $m \(kind.declaration))"
            case .second: "(memory 1) (memory $m \(kind.declaration))"
            case .imported: "(import \"e\" \"m\" (memory $m \(kind.declaration)))"
            case .secondImported:
                """
                (import "e" "m" (memory \(kind.declaration)))
                (import "e" "m" (memory $m \(kind.declaration)))
                """
            }
        try linker.define("e", Instance(store, Module(engine, text: exporter)))
        return try linker.instantiate(
            Module(engine, text: "(module \(memories) \(functions))"), in: store)
    }

    private static func value(_ address: UInt64, _ kind: Kind) -> Value {
        kind.is64
            ? .i64(Int64(bitPattern: address))
            : .i32(Int32(bitPattern: UInt32(truncatingIfNeeded: address)))
    }

    private func number(_ values: [Value]) throws -> UInt64 {
        switch try #require(values.first) {
        case .i32(let value): UInt64(UInt32(bitPattern: value))
        case .i64(let value): UInt64(bitPattern: value)
        default: throw TypeError(expected: [.i64], found: [], place: "a test")
        }
    }

    /// Whether `work` succeeds; the only way to fail is an access out of bounds.
    private func succeeds(_ work: () throws -> [Value]) -> Bool {
        do {
            _ = try work()
            return true
        } catch let trap as Trap {
            #expect(trap.code == .memoryOutOfBounds)
        } catch {
            Issue.record(error)
        }
        return false
    }
}
