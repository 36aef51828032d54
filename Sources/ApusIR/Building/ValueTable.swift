internal import ApusCollections

// Used by: `Builder`, which asks it before it makes an instruction.

/// Values by what they are made of, so that what is computed already is not computed again.
///
/// Entries come and go as a stack: those made since a mark are forgotten when the code that
/// follows can be reached without passing them.
struct ValueTable: ~Copyable {
    /// An instruction's 16 bytes and the state of what it reads.
    struct Key: BitwiseCopyable, Equatable {
        var low: UInt64
        var high: UInt64
        var version: UInt32

        @inline(__always)
        init(_ instruction: Instruction, version: UInt32) {
            low =
                UInt64(instruction.operator.rawValue) | UInt64(instruction.type.rawValue) &<< 8
                | UInt64(instruction.immediate) &<< 16 | UInt64(instruction.a) &<< 32
            high = UInt64(instruction.b) | UInt64(instruction.c) &<< 32
            self.version = version
        }

        /// Evenly spread.
        @inline(__always)
        var hash: UInt64 {
            var hash = low &* 0x9E37_79B9_7F4A_7C15
            hash ^= (high &+ UInt64(version)) &* 0xC2B2_AE3D_27D4_EB4F
            hash ^= hash &>> 29
            return hash &* 0x9E37_79B9_7F4A_7C15
        }
    }

    // Not private: Swift 6.3's debug builds would refer to private metadata from other files.
    struct Entry: BitwiseCopyable {
        var key: Key
        var value: Value
        /// The block that has learned it.
        var block: Block
        var next: Int32
        var bucket: Int32
    }

    private var entries = Arena<Entry>(capacity: 1024)
    /// Of each bucket its newest entry, -1 if there is none. There are more the more entries there
    /// are.
    private var buckets = Arena<Int32>(capacity: 4096)
    /// What leaves the number of a bucket of a hash.
    private var shift: UInt64 = 52

    /// Of so many bits are the numbers of buckets to begin with.
    private static var fewestBits: UInt64 { 12 }

    init() { buckets.append(repeating: -1, count: 1 &<< Int(Self.fewestBits)) }

    /// Forgets everything, and that there was ever much.
    mutating func removeAll() {
        forget(since: 0)
        if shift == 64 &- Self.fewestBits { return }
        shift = 64 &- Self.fewestBits
        buckets.refill(-1, count: 1 &<< Int(Self.fewestBits))
    }

    @inline(__always)
    private func bucket(_ key: Key) -> Int { Int(truncatingIfNeeded: key.hash &>> shift) }

    /// Where entries made from now on begin.
    @inline(__always) var mark: Int { entries.count }

    /// What is known of `key` here.
    @inline(__always)
    func find(_ key: Key) -> Entry? {
        var index = buckets[bucket(key)]
        // Whoever fills one bucket on purpose gets worse code, not a longer wait.
        for _ in 0..<64 where index >= 0 {
            let entry = entries[Int(index)]
            if entry.key == key { return entry }
            index = entry.next
        }
        return nil
    }

    @inline(__always)
    mutating func insert(_ key: Key, _ value: Value, in block: Block) {
        if entries.count &>> 1 >= buckets.count { grow() }
        let bucket = bucket(key)
        entries.append(
            Entry(
                key: key, value: value, block: block, next: buckets[bucket],
                bucket: Int32(truncatingIfNeeded: bucket)))
        buckets[bucket] = Int32(truncatingIfNeeded: entries.count &- 1)
    }

    /// Spreads the entries over more buckets. They stay a stack.
    @inline(never)
    private mutating func grow() {
        shift &-= 2
        buckets.refill(-1, count: buckets.count &* 4)
        for index in 0..<entries.count {
            let bucket = bucket(entries[index].key)
            entries[index].next = buckets[bucket]
            entries[index].bucket = Int32(truncatingIfNeeded: bucket)
            buckets[bucket] = Int32(truncatingIfNeeded: index)
        }
    }

    /// Forgets what was inserted since `mark` was taken.
    mutating func forget(since mark: Int) {
        while entries.count > mark {
            let entry = entries.removeLast()
            buckets[Int(entry.bucket)] = entry.next
        }
    }
}
