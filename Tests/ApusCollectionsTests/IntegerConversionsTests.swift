import ApusCollections
import Testing

/// What is found before the standard library's generic initializers, beside what these give.
struct IntegerConversionsTests {
    /// Values at which conversions change, as far as `Integer` has them.
    private static func values<Integer: FixedWidthInteger>(_: Integer.Type) -> [Integer] {
        let powers = [0, 7, 8, 15, 16, 31, 32, 63].map { (UInt64(1) << $0) as UInt64 }
        let positive = powers.flatMap { [$0 &- 1, $0, $0 &+ 1] }.compactMap(Integer.init(exactly:))
        return positive + positive.map { 0 &- $0 } + [.min, .max]
    }

    /// Whether `convert` gives what fits unchanged.
    private static func keeps<From: FixedWidthInteger, To: FixedWidthInteger>(
        _ convert: (From) -> To
    ) -> Bool {
        values(From.self).allSatisfy { value in
            guard let expected = To(exactly: value) else { return true }
            return convert(value) == expected
        }
    }

    @Test func whatFitsIsKept() {
        #expect(Self.keeps { (value: UInt8) in Int(value) })
        #expect(Self.keeps { (value: UInt32) in Int(value) })
        #expect(Self.keeps { (value: Int32) in Int(value) })
        #expect(Self.keeps { (value: UInt64) in Int(value) })
        #expect(Self.keeps { (value: UInt32) in UInt(value) })
        #expect(Self.keeps { (value: UInt64) in UInt(value) })
        #expect(Self.keeps { (value: Int) in UInt(value) })
        #expect(Self.keeps { (value: UInt8) in UInt64(value) })
        #expect(Self.keeps { (value: UInt16) in UInt64(value) })
        #expect(Self.keeps { (value: UInt32) in UInt64(value) })
        #expect(Self.keeps { (value: UInt) in UInt64(value) })
        #expect(Self.keeps { (value: Int) in UInt64(value) })
        #expect(Self.keeps { (value: Int32) in UInt64(value) })
        #expect(Self.keeps { (value: Int64) in UInt64(value) })
        #expect(Self.keeps { (value: Int) in Int64(value) })
        #expect(Self.keeps { (value: Int32) in Int64(value) })
        #expect(Self.keeps { (value: UInt32) in Int64(value) })
        #expect(Self.keeps { (value: UInt8) in UInt32(value) })
        #expect(Self.keeps { (value: Int) in UInt32(value) })
        #expect(Self.keeps { (value: UInt64) in UInt32(value) })
        #expect(Self.keeps { (value: Int) in Int32(value) })
        #expect(Self.keeps { (value: UInt8) in UInt16(value) })
        #expect(Self.keeps { (value: Int) in UInt8(value) })
    }

    /// What does not fit ends the process, as it does with the standard library's.
    @Test func whatDoesNotFitIsNeverTaken() async {
        await #expect(processExitsWith: .failure) { _ = Int(opaque(1 << 63) as UInt64) }
        await #expect(processExitsWith: .failure) { _ = UInt(opaque(-1) as Int) }
        await #expect(processExitsWith: .failure) { _ = UInt64(opaque(-1) as Int) }
        await #expect(processExitsWith: .failure) { _ = UInt64(opaque(-1) as Int32) }
        await #expect(processExitsWith: .failure) { _ = UInt64(opaque(-1) as Int64) }
        await #expect(processExitsWith: .failure) { _ = UInt32(opaque(-1) as Int) }
        await #expect(processExitsWith: .failure) { _ = UInt32(opaque(1 << 32) as Int) }
        await #expect(processExitsWith: .failure) { _ = UInt32(opaque(1 << 32) as UInt64) }
        await #expect(processExitsWith: .failure) { _ = Int32(opaque(1 << 31) as Int) }
        await #expect(processExitsWith: .failure) { _ = Int32(opaque(-0x8000_0001) as Int) }
        await #expect(processExitsWith: .failure) { _ = UInt8(opaque(256) as Int) }
        await #expect(processExitsWith: .failure) { _ = UInt8(opaque(-1) as Int) }
    }
}

/// A value that the compiler does not know.
@inline(never)
private func opaque<Value>(_ value: Value) -> Value { value }
