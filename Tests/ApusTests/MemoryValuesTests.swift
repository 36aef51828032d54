import Apus
import Testing

private protocol Width { static var bits: Int { get } }
private enum Whole: Width { static var bits: Int { 64 } }
private enum Odd: Width { static var bits: Int { 24 } }

/// A number with something in it that no guest may make.
private struct Disguised<Of: Width>: FixedWidthInteger, BitwiseCopyable {
    var type: Any.Type = Int.self
    var number: UInt64 = 0
    var hasOwnType: Bool { type == Int.self }

    init(_ number: UInt64) { self.number = number & (.max >> (64 - UInt64(Of.bits))) }
    init(_truncatingBits bits: UInt) { self.init(UInt64(bits)) }
    init(integerLiteral value: UInt64) { self.init(value) }
    init(_ source: some BinaryInteger) { self.init(UInt64(truncatingIfNeeded: source)) }
    init(truncatingIfNeeded source: some BinaryInteger) {
        self.init(UInt64(truncatingIfNeeded: source))
    }
    init(clamping source: some BinaryInteger) { self.init(UInt64(clamping: source)) }
    init?(exactly source: some BinaryInteger) { self.init(UInt64(truncatingIfNeeded: source)) }
    init(_ source: some BinaryFloatingPoint) { self.init(UInt64(source)) }
    init?(exactly source: some BinaryFloatingPoint) { self.init(UInt64(source)) }

    static var bitWidth: Int { Of.bits }
    static var max: Self { Self(UInt64.max) }
    static var min: Self { Self(0 as UInt64) }
    static var isSigned: Bool { false }
    var magnitude: UInt64 { number }
    var words: UInt64.Words { number.words }
    var byteSwapped: Self { self }
    var nonzeroBitCount: Int { number.nonzeroBitCount }
    var leadingZeroBitCount: Int { number.leadingZeroBitCount - 64 + Of.bits }
    var trailingZeroBitCount: Int { Swift.min(number.trailingZeroBitCount, Of.bits) }

    func addingReportingOverflow(_ other: Self) -> (partialValue: Self, overflow: Bool) {
        (self + other, false)
    }
    func subtractingReportingOverflow(_ other: Self) -> (partialValue: Self, overflow: Bool) {
        (self - other, false)
    }
    func multipliedReportingOverflow(by other: Self) -> (partialValue: Self, overflow: Bool) {
        (self * other, false)
    }
    func dividedReportingOverflow(by other: Self) -> (partialValue: Self, overflow: Bool) {
        (self / other, false)
    }
    func remainderReportingOverflow(
        dividingBy other: Self
    ) -> (partialValue: Self, overflow: Bool) { (self % other, false) }
    func multipliedFullWidth(by other: Self) -> (high: Self, low: UInt64) { (self, other.number) }
    func dividingFullWidth(
        _ dividend: (high: Self, low: UInt64)
    ) -> (quotient: Self, remainder: Self) { (self, self) }

    static func + (left: Self, right: Self) -> Self { Self(left.number &+ right.number) }
    static func - (left: Self, right: Self) -> Self { Self(left.number &- right.number) }
    static func * (left: Self, right: Self) -> Self { Self(left.number &* right.number) }
    static func / (left: Self, right: Self) -> Self { Self(left.number / right.number) }
    static func % (left: Self, right: Self) -> Self { Self(left.number % right.number) }
    static func += (left: inout Self, right: Self) { left = left + right }
    static func -= (left: inout Self, right: Self) { left = left - right }
    static func *= (left: inout Self, right: Self) { left = left * right }
    static func /= (left: inout Self, right: Self) { left = left / right }
    static func %= (left: inout Self, right: Self) { left = left % right }
    static func &= (left: inout Self, right: Self) { left.number &= right.number }
    static func |= (left: inout Self, right: Self) { left.number |= right.number }
    static func ^= (left: inout Self, right: Self) { left.number ^= right.number }
    static func &<<= (left: inout Self, right: Self) { left = Self(left.number << right.number) }
    static func &>>= (left: inout Self, right: Self) { left = Self(left.number >> right.number) }
    static prefix func ~ (value: Self) -> Self { Self(~value.number) }
    static func == (left: Self, right: Self) -> Bool { left.number == right.number }
    static func < (left: Self, right: Self) -> Bool { left.number < right.number }
    func hash(into hasher: inout Hasher) { hasher.combine(number) }
}

/// Values and texts in a guest's memory.
struct MemoryValuesTests {
    private func memory() throws -> Memory {
        var module = TestModule()
        module.memory(1)
        return try makeInstance(module).memory
    }

    @Test func valuesOfAllTypes() throws {
        let memory = try memory()
        try memory.store(true, at: 1)
        try memory.store(Float(1.5), at: 3)
        try memory.store(-2.25, at: 9)
        let vector = Vector128(low: 0x0102_0304_0506_0708, high: 0x090A_0B0C_0D0E_0F10)
        try memory.store(vector, at: 17)
        #expect(try memory.load(Bool.self, at: 1))
        #expect(try !memory.load(Bool.self, at: 2))
        #expect(try memory.load(Float.self, at: 3) == 1.5)
        #expect(try memory.load(Double.self, at: 9) == -2.25)
        #expect(try memory.load(Vector128.self, at: 17) == vector)
        #expect(try memory.read(at: 17, count: 2) == [8, 7])
        #expect(throws: MemoryError.self) { try memory.load(Vector128.self, at: 65521) }
        #expect(throws: MemoryError.self) { try memory.store(1.0, at: 65529) }
        #expect(throws: MemoryError.self) { try memory.load(Bool.self, at: 65536) }
    }

    /// What is read is the number, and what is written too: all else a type has stays its own.
    @Test func numbersAreNoMoreThanNumbers() throws {
        let memory = try memory()
        try memory.write([1, 2, 3, 4, 5, 6, 7, 8], at: 0)
        let whole = try memory.load(Disguised<Whole>.self, at: 0)
        #expect(whole.number == 0x0807_0605_0403_0201)
        #expect(whole.hasOwnType)
        let odd = try memory.load(Disguised<Odd>.self, at: 0)
        #expect(odd.number == 0x03_0201)
        #expect(odd.hasOwnType)
        try memory.store(whole, at: 16)
        try memory.store(odd, at: 32)
        #expect(try memory.read(at: 16, count: 12) == [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0])
        #expect(try memory.read(at: 32, count: 6) == [1, 2, 3, 0, 0, 0])
        #expect(try memory.load(Disguised<Odd>.self, at: 65533).number == 0)
        try memory.store(odd, at: 65533)
        for address in [65534, -1] {
            #expect(throws: MemoryError.self) {
                try memory.load(Disguised<Odd>.self, at: address)
            }
            #expect(throws: MemoryError.self) { try memory.store(odd, at: address) }
        }
    }

    @Test(arguments: TextEncoding.allCases)
    func textsOfAllEncodings(encoding: TextEncoding) throws {
        let memory = try memory()
        let text = encoding == .latin1 ? "Grüße" : "Grüße, 世界 🌍"
        let count = try memory.write(text, at: 7, encoding: encoding)
        #expect(try memory.string(at: 7, count: count, encoding: encoding) == text)
        #expect(try memory.string(at: 7, count: 0, encoding: encoding) == "")
        #expect(throws: MemoryError.self) {
            try memory.string(at: 65535, count: 2, encoding: encoding)
        }
    }

    @Test func whatIsNoText() throws {
        let memory = try memory()
        #expect(throws: MemoryError.unrepresentableText(.latin1)) {
            try memory.write("世", at: 0, encoding: .latin1)
        }
        try memory.write([0x00, 0xD8, 0x41, 0x00], at: 4)
        #expect(throws: MemoryError.malformedText(address: 4, .utf16)) {
            try memory.string(at: 4, count: 4, encoding: .utf16)
        }
        #expect(throws: MemoryError.malformedText(address: 4, .utf16)) {
            try memory.string(at: 4, count: 3, encoding: .utf16)
        }
        #expect(throws: MemoryError.malformedText(address: 5, .utf8)) {
            try memory.string(at: 5, count: 1, encoding: .utf8)
        }
    }
}
