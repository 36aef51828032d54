public import ApusABI
internal import ApusCollections
internal import ApusFormat

extension LoadedModule {
    /// Calls of function `index` that have met one and the same function of the module's own most
    /// of the time: at least `leastHits` times, and `leastShare` of a hundred.
    public func countedCalls(
        ofFunction index: Int, leastHits: UInt32, leastShare: Int
    ) -> [CountedCall] {
        countedCalls(ofFunction: index).filter {
            $0.hits >= leastHits && $0.share >= leastShare
        }
    }

    /// What has been counted of the calls of function `index`, in order, as far as the callee is a
    /// function of the module's own.
    func countedCalls(ofFunction index: Int) -> [CountedCall] {
        guard let space = code.space else { return [] }
        return space.counts(ofFunction: index).compactMap { call in
            let place = space.table.counts(at: call.address, word: 0)
            let counts = space.table.counts(at: call.address, word: 1)
            guard let callee = self.function(whoseRecordIsAt: place) else { return nil }
            return CountedCall(
                bodyOffset: call.bodyOffset, function: callee,
                hits: UInt32(truncatingIfNeeded: counts),
                misses: UInt32(truncatingIfNeeded: counts >> 32))
        }
    }

    /// Goes on counting calls of function `index` where an earlier run has ended. What is not
    /// counted here, or names no function whose value can be taken, is left out.
    func restoreCounts(_ counted: CountedCall, ofFunction index: Int) {
        guard let space = code.space, let ordinal = ordinal(ofFunction: Int(counted.function))
        else { return }
        let calls = space.counts(ofFunction: index)
        let found = calls.partitioningIndex { $0.bodyOffset >= counted.bodyOffset }
        guard found < calls.count, calls[found].bodyOffset == counted.bodyOffset else { return }
        let call = calls[found]
        let place = UInt(bitPattern: Int(layout.funcref(ordinal)))
        let counts = UInt(counted.hits) | UInt(counted.misses) << 32
        space.table.setCounts(at: call.address, word: 0, place)
        space.table.setCounts(at: call.address, word: 1, counts)
    }

    /// The function of the module's own whose record is at `place` in contexts, if it is one.
    private func function(whoseRecordIsAt place: UInt) -> UInt32? {
        let escaping = module.escapingFunctions
        guard let place = Int32(exactly: Int(bitPattern: place)) else { return nil }
        let ordinal = escaping.indices.partitioningIndex { layout.funcref($0) >= place }
        guard ordinal < escaping.count, layout.funcref(ordinal) == place,
            escaping[ordinal] >= module.importedFunctionCount
        else { return nil }
        return escaping[ordinal]
    }

    /// How often each of the counters of function `index` has counted, as far as there are such
    /// (`BlockCounters`): empty if it was never called, or its code does not count.
    public func blockCounts(ofFunction index: Int) -> [UInt64] {
        code.space?.counters(ofFunction: index) ?? []
    }

    /// Whether function `index` has code, and may run no more than `heat` before it counts as hot.
    public func hasRun(_ index: Int, untilHeat heat: Int32) -> Bool {
        guard let table = code.space?.table else { return false }
        return image(ofFunction: index) != nil
            && table.heat(index - module.importedFunctionCount) <= heat
    }
}
