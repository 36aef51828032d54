internal import ApusCollections

/// Where code comes from that the decoder has written anew: from `start` on up to the next such
/// place it is what the module has from `source` on.
public struct CodeOrigin: Hashable, Sendable, BitwiseCopyable {
    public var start: UInt32
    public var source: UInt32

    public init(start: UInt32, source: UInt32) {
        self.start = start
        self.source = source
    }
}

extension DecodedModule {
    /// Where in the module's own bytes the code at `offset` comes from.
    public func sourceOffset(of offset: Int) -> Int {
        guard let first = origins.first, offset >= Int(first.start) else { return offset }
        var low = 0
        var high = origins.count
        while low < high {
            let middle = (low + high) / 2
            if Int(origins[middle].start) <= offset { low = middle + 1 } else { high = middle }
        }
        let origin = origins[low - 1]
        // What has been added stands for what comes next.
        let room = low < origins.count ? Int(origins[low].source) - Int(origin.source) : 0
        return Int(origin.source) + min(offset - Int(origin.start), max(room, 0))
    }
}
