internal import ApusCollections

/// A constant of the function being emitted.
public struct ConstantID: BitwiseCopyable, Hashable, Sendable {
    /// Its number among those of its size, times four, and the size's class.
    let bits: UInt32

    @inline(__always) init(bits: UInt32) { self.bits = bits }

    @inline(__always) init(_ index: Int, _ size: Size) {
        bits = UInt32(truncatingIfNeeded: index) &<< 2 | size.rawValue
    }

    enum Size: UInt32 { case four, eight, sixteen }

    var index: Int { Int(bits &>> 2) }
}

/// Constants that follow a function's code, the largest first so that all are aligned.
struct ConstantPool: ~Copyable {
    var small = Arena<UInt32>(capacity: 32)
    var medium = Arena<UInt64>(capacity: 32)
    var large = Arena<Wide>(capacity: 8)
    var uses = Arena<Use>(capacity: 64)
    /// Which number a value hashing to this slot has had. It may be out of date: who reads it
    /// compares the values. A collision only costs a second copy of a constant.
    var recent = Arena<UInt32>(capacity: 256)

    struct Wide: BitwiseCopyable, Equatable {
        var low: UInt64
        var high: UInt64
    }

    /// A rip-relative displacement, which holds what is to be added to the distance to it.
    struct Use: BitwiseCopyable {
        var position: UInt32
        var constant: UInt32
    }

    static var slotCount: Int { 256 }

    init() { recent.append(repeating: .max, count: Self.slotCount) }

    mutating func removeAll() {
        small.removeAll()
        medium.removeAll()
        large.removeAll()
        uses.removeAll()
    }

    static func slot(of value: UInt64) -> Int {
        Int(truncatingIfNeeded: (value &* 0x9E37_79B9_7F4A_7C15) &>> 56)
    }
}

extension CodeBuffer {
    /// A 4-byte constant, for `Address(constant:)`; equal ones are mostly shared.
    public mutating func constant32(_ value: UInt32) -> ConstantID {
        let slot = ConstantPool.slot(of: UInt64(value))
        let known = Int(constants.recent[slot])
        if known < constants.small.count, constants.small[known] == value {
            return ConstantID(known, .four)
        }
        let index = constants.small.count
        constants.small.append(value)
        constants.recent[slot] = UInt32(truncatingIfNeeded: index)
        return ConstantID(index, .four)
    }

    /// An 8-byte constant, for `Address(constant:)`; equal ones are mostly shared.
    public mutating func constant64(_ value: UInt64) -> ConstantID {
        let slot = ConstantPool.slot(of: value)
        let known = Int(constants.recent[slot])
        if known < constants.medium.count, constants.medium[known] == value {
            return ConstantID(known, .eight)
        }
        let index = constants.medium.count
        constants.medium.append(value)
        constants.recent[slot] = UInt32(truncatingIfNeeded: index)
        return ConstantID(index, .eight)
    }

    /// A 16-byte constant, for `Address(constant:)`; equal ones are mostly shared.
    public mutating func constant128(_ low: UInt64, _ high: UInt64) -> ConstantID {
        let value = ConstantPool.Wide(low: low, high: high)
        let slot = ConstantPool.slot(of: low ^ (high &<< 1 | high &>> 63))
        let known = Int(constants.recent[slot])
        if known < constants.large.count, constants.large[known] == value {
            return ConstantID(known, .sixteen)
        }
        let index = constants.large.count
        constants.large.append(value)
        constants.recent[slot] = UInt32(truncatingIfNeeded: index)
        return ConstantID(index, .sixteen)
    }

    /// Remembers that the displacement at `position` refers to `constant`.
    mutating func refer(to constant: ConstantID, at position: Int) {
        constants.uses.append(
            .init(position: UInt32(truncatingIfNeeded: position), constant: constant.bits))
    }

    /// Places the constants behind the function's code, completes their uses and forgets them.
    /// They are aligned to their size, provided that the buffer's start will be. By this time all
    /// labels that were used must be bound, else `hasFailed`: an unfilled displacement would lead
    /// somewhere.
    public mutating func emitConstants() {
        if labels.pendingCount != 0 { hasFailed = true }
        guard !constants.uses.isEmpty else { return constants.removeAll() }
        let alignment =
            !constants.large.isEmpty ? 16 : !constants.medium.isEmpty ? 8 : 4
        pad(to: alignment, with: 0xCC)
        let start = count
        for index in 0..<constants.large.count {
            let value = constants.large[index]
            append64(value.low)
            append64(value.high)
        }
        for index in 0..<constants.medium.count { append64(constants.medium[index]) }
        for index in 0..<constants.small.count { append32(constants.small[index]) }
        for number in 0..<constants.uses.count {
            let use = constants.uses[number]
            let position = Int(use.position)
            let target = start &+ offset(of: ConstantID(bits: use.constant))
            let distance = UInt32(truncatingIfNeeded: target &- position)
            patch32(at: position, word32(at: position) &+ distance)
        }
        constants.removeAll()
    }

    /// From the start of the pool.
    private func offset(of constant: ConstantID) -> Int {
        switch ConstantID.Size(rawValue: constant.bits & 3) {
        case .sixteen: 16 &* constant.index
        case .eight: 16 &* constants.large.count &+ 8 &* constant.index
        default:
            16 &* constants.large.count &+ 8 &* constants.medium.count &+ 4 &* constant.index
        }
    }
}
