import Apus
import Testing

/// Every way to come by an i32 as the address of every load and store, with offsets at edges: what
/// is reached is what the address says, without sign and without what was above it in a register.
@Suite struct AddressTests {
    private struct Access {
        var name: String
        var bytes: UInt64
        /// The type that is loaded or stored.
        var type: String
        var isStore: Bool { name.contains("store") }

        init(_ name: String, _ bytes: UInt64) {
            self.name = name
            self.bytes = bytes
            type = String(name.prefix { $0 != "." })
        }
    }

    private static let accesses = [
        Access("i32.load", 4), Access("i32.load8_s", 1), Access("i32.load8_u", 1),
        Access("i32.load16_s", 2), Access("i32.load16_u", 2), Access("i64.load", 8),
        Access("i64.load8_s", 1), Access("i64.load8_u", 1), Access("i64.load16_s", 2),
        Access("i64.load16_u", 2), Access("i64.load32_s", 4), Access("i64.load32_u", 4),
        Access("f32.load", 4), Access("f64.load", 8), Access("v128.load", 16),
        Access("v128.load32_splat", 4), Access("v128.load64_zero", 8),
        Access("v128.load8x8_s", 8),
        Access("i32.store", 4), Access("i32.store8", 1), Access("i32.store16", 2),
        Access("i64.store", 8), Access("i64.store8", 1), Access("i64.store16", 2),
        Access("i64.store32", 4), Access("f32.store", 4), Access("f64.store", 8),
        Access("v128.store", 16),
    ]

    private static let offsets: [UInt64] = [0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF]

    /// In a memory of 4 GiB each address is in bounds, so none of them may trap; in one of a page
    /// hardly any is. Now and then values that are alive beside the address take its register
    /// from it.
    @Test(arguments: Compilation.allCases, [1, 65536])
    func reachWhatTheySay(compilation: Compilation, pages: UInt64) throws {
        var calls = 0
        for (number, producer) in AddressProducer.all.enumerated() {
            // All accesses with one offset, and all offsets with one access.
            let offset = Self.offsets[number % Self.offsets.count]
            var cases = Self.accesses.map { ($0, offset) }
            cases += Self.offsets.map { (Self.accesses[number % Self.accesses.count], $0) }
            let text = Self.module(producer, cases, pages, crowding: number)
            let instance = try Self.instantiate(text, compilation)
            for (index, (access, offset)) in cases.enumerated() {
                for inputs in AddressProducer.Inputs.all {
                    let function = try instance.function("f\(index)")
                    try Self.check(instance, function, access, offset, producer, inputs)
                    calls += 1
                }
            }
        }
        #expect(calls > 9000)
    }

    private static func check(
        _ instance: Instance, _ function: Function, _ access: Access, _ offset: UInt64,
        _ producer: AddressProducer, _ inputs: AddressProducer.Inputs
    ) throws {
        let memory = try instance.memory("bytes")
        try memory.write([0xF0, 0xFE, 0, 0x80], at: 64)
        let address = Int(UInt64(producer.value(inputs)) + offset)
        let isInside = address + Int(access.bytes) <= memory.byteCount
        let name = "\(access.name) offset=\(offset) \(producer.text) \(inputs)"
        // The place is marked, but for the bytes that expressions read.
        let isMarked = isInside && !(48..<68).contains(address)
        if isMarked { try memory.write(Self.mark(access), at: address) }
        do {
            let results = try function.call(
                .i32(Int32(bitPattern: inputs.a)), .i32(Int32(bitPattern: inputs.b)),
                .i64(Int64(bitPattern: inputs.w)))
            #expect(isInside, "\(name) does not trap")
            guard isMarked else { return }
            if access.isStore {
                let written = try memory.read(at: address, count: access.bytes)
                #expect(written == Array(repeating: 0x5A, count: written.count), "\(name)")
            } else {
                guard case .i32(1)? = results.first else {
                    Issue.record("\(name) loads something else")
                    return
                }
            }
        } catch let trap as Trap {
            #expect(trap.code == .memoryOutOfBounds && !isInside, "\(name) traps")
        }
    }

    /// What is in memory before: what a load is to find, and a store to replace.
    private static func mark(_ access: Access) -> [UInt8] {
        Array(repeating: access.isStore ? 0xA5 : 0x5A, count: Int(access.bytes))
    }

    private static func instantiate(
        _ text: String, _ compilation: Compilation
    ) throws -> Instance {
        let engine = Engine(compilation.configuration)
        let store = Store(engine, limits: Limits(memoryBytes: 8 << 30))
        var linker = Linker(engine)
        linker.define("host", "same") { (value: Int32) in value }
        return try linker.instantiate(Module(engine, text: text), in: store)
    }

    // MARK: Text

    /// Functions `f0` …: each access at its offset. Loads give whether they have found the mark.
    /// Every eighth one has twenty values more.
    private static func module(
        _ producer: AddressProducer, _ cases: [(Access, UInt64)], _ pages: UInt64,
        crowding number: Int
    ) -> String {
        var text = "(module \(AddressProducer.imports)"
        text += "(memory $bytes (export \"bytes\") \(pages))\n"
        text += AddressProducer.declarations
        for (index, (access, offset)) in cases.enumerated() {
            let isCrowded = (index + number) % 8 == 0
            text += """
                (func (export "f\(index)") (param $a i32) (param $b i32) (param $w i64)
                  \(access.isStore ? "" : "(result i32)") (local $i i32) (local $n i32)
                  \(isCrowded ? locals + compute : "")
                  \(body(producer, access, offset))
                  \(isCrowded ? consume : ""))

                """
        }
        return text + ")"
    }

    private static func body(
        _ producer: AddressProducer, _ access: Access, _ offset: UInt64
    ) -> String {
        let instruction = "\(access.name) $bytes offset=\(offset)"
        if access.isStore {
            return "\(producer.text) \(constant(access.type)) (\(instruction))"
        }
        let load = "\(producer.text) (\(instruction))"
        let bits = access.bytes * 8
        let mark = bits >= 64 ? 0x5A5A_5A5A_5A5A_5A5A : 0x5A5A_5A5A_5A5A_5A5A & (1 << bits - 1)
        switch access.type {
        case "i32": return "\(load) (i32.const \(mark)) (i32.eq)"
        case "i64": return "\(load) (i64.const \(mark)) (i64.eq)"
        case "f32": return "\(load) (i32.reinterpret_f32) (i32.const \(mark)) (i32.eq)"
        case "f64": return "\(load) (i64.reinterpret_f64) (i64.const \(mark)) (i64.eq)"
        default:
            // The first lane is loaded, or made of the first four bytes.
            let lane = access.name.hasSuffix("8x8_s") ? 0x005A_005A : 0x5A5A_5A5A
            return "\(load) (i32x4.extract_lane 0) (i32.const \(lane)) (i32.eq)"
        }
    }

    private static func constant(_ type: String) -> String {
        let pattern = "0x5A5A5A5A"
        switch type {
        case "i32": return "(i32.const \(pattern))"
        case "i64": return "(i64.const 0x5A5A5A5A5A5A5A5A)"
        case "f32": return "(f32.reinterpret_i32 (i32.const \(pattern)))"
        case "f64": return "(f64.reinterpret_i64 (i64.const 0x5A5A5A5A5A5A5A5A))"
        default: return "(v128.const i32x4 \(pattern) \(pattern) \(pattern) \(pattern))"
        }
    }

    private static let crowd = 0..<20
    private static let locals = crowd.map { "(local $v\($0) i64)" }.joined()
    private static let compute = crowd.map {
        "(local.set $v\($0) (i64.mul (local.get $w) (i64.const \($0 * 2 + 0x1_0000_0001))))"
    }.joined(separator: "\n")
    /// Makes something of all of them that nobody can leave out.
    private static let consume =
        crowd.map {
            "(global.set $global (i32.wrap_i64 (i64.mul (local.get $v\($0)) "
                + "(i64.extend_i32_u (global.get $global)))))"
        }.joined(separator: "\n")
}
