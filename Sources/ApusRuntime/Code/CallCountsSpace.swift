internal import ApusABI
internal import ApusCollections

/// Where the counts of a module's calls are (`CallCounts`): pages of the module's address space,
/// which belong to its functions for good.
struct CallCountsSpace {
    /// A call, by its function and where it is in the body.
    struct Key: Comparable {
        let function: UInt32
        let bodyOffset: UInt32

        /// The call whose counts `relocation` leads to.
        init(_ relocation: CodeRelocation) {
            function = relocation.function
            bodyOffset = relocation.bodyOffset
        }

        static func < (left: Self, right: Self) -> Bool {
            (left.function, left.bodyOffset) < (right.function, right.bodyOffset)
        }
    }

    struct Call {
        let bodyOffset: UInt32
        let address: UInt
    }

    static var pageBytes: Int { 16 << 10 }

    /// Of each function that has such calls, in order.
    private var calls: [UInt32: [Call]] = [:]
    private var next: UInt = 0
    private var end: UInt = 0

    /// Whether there is no room for one more call.
    var isFull: Bool { next == end }

    /// Adds a page of room.
    mutating func addPage(at start: UInt) {
        next = start
        end = start &+ UInt(Self.pageBytes)
    }

    /// Reserves counts for `call`, which has none yet; there is room. Calls of a function mostly
    /// come in order.
    mutating func reserve(for call: Key) {
        let place = calls(ofFunction: call.function)
            .partitioningIndex { $0.bodyOffset >= call.bodyOffset }
        calls[call.function, default: []].insert(
            Call(bodyOffset: call.bodyOffset, address: next), at: place)
        next &+= UInt(CallCounts.bytes)
    }

    /// Where the counts of `call` are.
    func address(of call: Key) -> UInt? {
        let calls = calls(ofFunction: call.function)
        let place = calls.partitioningIndex { $0.bodyOffset >= call.bodyOffset }
        guard place < calls.count, calls[place].bodyOffset == call.bodyOffset else { return nil }
        return calls[place].address
    }

    func calls(ofFunction index: UInt32) -> [Call] { calls[index] ?? [] }
}
