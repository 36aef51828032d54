import ApusABI
import ApusAssembler
import ApusTestSupport
import Testing

@testable import ApusTrampolines

/// The stub through which runtime functions are called, run with a context made by hand: what it
/// does itself, and what it leaves to the function.
@Suite struct ShortBulkTests {
    /// A memory of 256 bytes, and the stub that works on it.
    private struct Stub: ~Copyable {
        private let code: NativeCode
        private let start: Int

        // Bytes from the context on: the record of the memory, what stands for the store's context,
        // the table of functions, the records of types, the arguments, whether the function has
        // been called, and the memory itself, with as much on both sides that has to stay as it is.
        private static var record: Int32 { 128 }
        private static var store: Int32 { 256 }
        private static var functions: Int32 { 768 }
        private static var types: Int32 { 1024 }
        private static var arguments: Int32 { 1536 }
        private static var wasCalled: Int32 { 1600 }
        private static var memory: Int32 { 2048 }
        static var bytes: Int { 256 }
        private static var margin: Int32 { 64 }
        /// Where an array may be that takes all of the memory.
        static var array: Int { Int(memory) }

        /// Bytes of an element of arrays.
        private let unit: Int

        init(_ function: RuntimeFunction, unit: Int = 1) throws {
            self.unit = unit
            var buffer = CodeBuffer()
            let stub = Trampolines(isFuelMetered: false).makeRuntimeCall(into: &buffer)
            buffer.resetLabels()
            buffer.align(to: 16)
            start = buffer.count
            Self.emitCall(of: function, stub: stub, &buffer)
            buffer.emitConstants()
            let hasFailed = buffer.hasFailed
            #expect(!hasFailed)
            code = try NativeCode(buffer.span)
        }

        /// A C function of the context's address.
        private static func emitCall(
            of function: RuntimeFunction, stub: Int, _ code: inout CodeBuffer
        ) {
            let general = code.makeLabel()
            code.push(.rbp)
            code.move(.w64, .rbp, .rsp)
            code.push(.r15)
            code.push(.r15)
            code.move(.w64, .r15, .rdi)
            let addresses: [(from: Int32, to: Int32)] = [
                (record, memory), (ContextField.storeContext, store),
                (ContextField.runtimeFunctions, functions), (store + StoreField.types, types),
            ]
            for (place, target) in addresses {
                code.lea(.w64, .rax, Address(.r15, target))
                code.store(.w64, Address(.r15, place), .rax)
            }
            code.lea(.w64, .rax, label: general)
            code.store(.w64, Address(.r15, functions + 8 * Int32(function.rawValue)), .rax)
            for index in 0..<RuntimeCall.argumentCount {
                let place = Address(.r15, arguments + Int32(8 * index))
                code.load(.w64, RuntimeCall.argument(index), place)
            }
            for index in arrays(function) {
                code.alu(.add, .w64, RuntimeCall.argument(index), .r15)
            }
            code.moveImmediate(RuntimeCall.function, UInt64(function.rawValue))
            let distance = code.callRelative()
            code.patch32(at: distance, UInt32(bitPattern: Int32(stub - distance - 4)))
            code.pop(.r15)
            code.pop(.r15)
            code.pop(.rbp)
            code.ret()
            code.bind(general)
            code.store(.w64, Address(.rdi, wasCalled), immediate: 1)
            code.ret()
        }

        /// Which arguments are arrays: they are handed over as bytes from the context on.
        private static func arrays(_ function: RuntimeFunction) -> [Int] {
            switch function {
            case .arrayFill: [0]
            case .arrayCopy: [0, 2]
            case .arrayInitData: [1]
            default: []
            }
        }

        /// The memory afterwards, what lies around it included, and whether the function itself
        /// was called.
        func run(_ arguments: [Int], _ memory: [UInt8]) -> (memory: [UInt8], wasCalled: Bool) {
            var words = [UInt64](repeating: 0, count: 320)
            words[Int(Self.record) / 8 + 1] = UInt64(Self.bytes)
            for (index, argument) in arguments.enumerated() {
                words[Int(Self.arguments) / 8 + index] = UInt64(bitPattern: Int64(argument))
            }
            // Of the type with the number 1.
            let typeBytes = Int(Self.types) + 1 << TypeField.recordSizeLog2 + Int(TypeField.bytes)
            words[typeBytes / 8] = UInt64(unit) << UInt64(8 * (typeBytes % 8))
            let first = Int(Self.memory - Self.margin)
            for (index, byte) in memory.enumerated() {
                words[(first + index) / 8] |= UInt64(byte) << UInt64(8 * (index % 8))
            }
            code.call(at: start, &words)
            let after = memory.indices.map { index in
                UInt8(truncatingIfNeeded: words[(first + index) / 8] >> UInt64(8 * (index % 8)))
            }
            return (after, words[Int(Self.wasCalled) / 8] != 0)
        }

        static var place: Int { Int(record) }
        /// Of the memory's first byte among those that are handed over.
        static var offset: Int { Int(margin) }
        static var before: [UInt8] { (0..<bytes + 2 * offset).map { UInt8($0 * 7 & 0xFF) } }
    }

    /// All lengths around those that are done at once, over and beside each other, at both ends of
    /// the memory and beyond.
    @Test func copies() throws {
        let stub = try Stub(.memoryCopy)
        let before = Stub.before
        for count in Array(0...18) + [31, 32, 33, 63, 64, 65, 127, 128, 129] {
            for (to, from) in [
                (0, 0), (1, 0), (0, 1), (13, 40), (40, 13), (0, 256 - count), (256 - count, 3),
                (257 - count, 0), (0, 257 - count), (1 << 40, 0),
            ] {
                let (after, wasCalled) = stub.run(
                    [Stub.place, Stub.place, to, from, count], before)
                var expected = before
                let fits = max(to, from) + count <= Stub.bytes && count <= 128
                if fits {
                    for index in 0..<count {
                        expected[Stub.offset + to + index] = before[Stub.offset + from + index]
                    }
                }
                #expect(wasCalled == !fits, "\(count) bytes from \(from) to \(to)")
                #expect(after == expected, "\(count) bytes from \(from) to \(to)")
            }
        }
    }

    @Test func fills() throws {
        let stub = try Stub(.memoryFill)
        let before = Stub.before
        for count in Array(0...18) + [31, 32, 33, 63, 64, 65, 127, 128, 129] {
            for start in [0, 1, 13, 256 - count, 257 - count] {
                let (after, wasCalled) = stub.run([Stub.place, start, 0x5A, count], before)
                var expected = before
                let fits = start + count <= Stub.bytes && count <= 128
                if fits {
                    for index in 0..<count { expected[Stub.offset + start + index] = 0x5A }
                }
                #expect(wasCalled == !fits, "\(count) bytes at \(start)")
                #expect(after == expected, "\(count) bytes at \(start)")
            }
        }
    }

    /// Of elements that have 1, 2, 4 and 8 bytes: the first word of the memory is the array's head.
    private static func array(_ unit: Int) -> (bytes: [UInt8], length: Int) {
        let length = (Stub.bytes - 8) / unit
        var bytes = Stub.before
        bytes.replaceSubrange(
            Stub.offset..<Stub.offset + 8, with: [1, 0, 0, 0, UInt8(length), 0, 0, 0])
        return (bytes, length)
    }

    private static let counts = Array(0...18) + [31, 32, 33, 63, 64, 65, 127, 128, 129]

    @Test(arguments: [1, 2, 4, 8])
    func arrayFills(unit: Int) throws {
        let stub = try Stub(.arrayFill, unit: unit)
        let (before, length) = Self.array(unit)
        let value = 0x0123_4567_89AB_CDEF
        for count in Self.counts {
            for start in [0, 1, 13, length - count, length - count + 1] {
                let (after, wasCalled) = stub.run([Stub.array, start, value, count], before)
                var expected = before
                let fits = start >= 0 && start + count <= length && count * unit <= 128
                if fits {
                    for index in 0..<count * unit {
                        expected[Stub.offset + 8 + start * unit + index] = UInt8(
                            truncatingIfNeeded: value >> (8 * (index % unit)))
                    }
                }
                #expect(wasCalled == !fits, "\(count) at \(start)")
                #expect(after == expected, "\(count) at \(start)")
            }
        }
    }

    @Test(arguments: [1, 2, 4, 8, 16])
    func arrayCopies(unit: Int) throws {
        let stub = try Stub(.arrayCopy, unit: unit)
        let (before, length) = Self.array(unit)
        for count in Self.counts {
            for (to, from) in [
                (0, 0), (1, 0), (0, 1), (3, 10), (10, 3), (0, length - count), (length - count, 3),
                (length - count + 1, 0), (0, length - count + 1),
            ] {
                let (after, wasCalled) = stub.run(
                    [Stub.array, to, Stub.array, from, count], before)
                var expected = before
                let fits =
                    min(to, from) >= 0 && max(to, from) + count <= length && count * unit <= 128
                if fits {
                    let first = Stub.offset + 8
                    for index in 0..<count * unit {
                        expected[first + to * unit + index] = before[first + from * unit + index]
                    }
                }
                #expect(wasCalled == !fits, "\(count) from \(from) to \(to)")
                #expect(after == expected, "\(count) from \(from) to \(to)")
            }
        }
    }

    /// The memory stands for a segment, too.
    @Test(arguments: [1, 2, 4, 8, 16])
    func arraysFromSegments(unit: Int) throws {
        let stub = try Stub(.arrayInitData, unit: unit)
        let (before, length) = Self.array(unit)
        for count in Self.counts {
            let last = Stub.bytes - count * unit
            for (to, from) in [(0, 0), (3, 1), (length - count, 5), (0, last), (0, last + 1)] {
                let (after, wasCalled) = stub.run(
                    [Stub.place, Stub.array, to, from, count], before)
                var expected = before
                let fits =
                    to >= 0 && to + count <= length && from >= 0 && from <= last
                    && count * unit <= 128
                if fits {
                    for index in 0..<count * unit {
                        expected[Stub.offset + 8 + to * unit + index] =
                            before[Stub.offset + from + index]
                    }
                }
                #expect(wasCalled == !fits, "\(count) from \(from) to \(to)")
                #expect(after == expected, "\(count) from \(from) to \(to)")
            }
        }
    }
}
