public import ApusCollections
public import ApusFormat

/// Records of linked code that were written down once, as they are read again.
@frozen
public struct CodeRecords: ~Copyable {
    public var functions: Arena<CompiledFunction>
    public var sites: CodeSites
    /// Bytes of code that they are about.
    private let codeBytes: Int
    private let imported: Int

    /// The records that the bytes are, which may be anything: of `codeBytes` bytes of code of
    /// functions that `module` defines. Nil if they do not belong together.
    public init?(
        functions: Span<UInt8>, traps: Span<UInt8>, calls: Span<UInt8>,
        handlerLists: Span<UInt8>, handlers: Span<UInt8>, inlined: Span<UInt8>, codeBytes: Int,
        of module: DecodedModule
    ) {
        self.functions = Arena(copying: functions)
        sites = CodeSites(
            traps: Arena(copying: traps), calls: Arena(copying: calls),
            handlerLists: Arena(copying: handlerLists), handlers: Arena(copying: handlers),
            inlined: Arena(copying: inlined))
        self.codeBytes = codeBytes
        imported = module.importedFunctionCount
        guard checkFunctions(module.bodies.count) else { return nil }
        for position in 0..<self.functions.count {
            guard let bodyBytes = inlinedEnd(self.functions[position], module),
                check(position, bodyBytes: bodyBytes, tags: module.tags.count)
            else { return nil }
        }
        for position in 0..<self.functions.count { sites.noteCaught(in: self.functions[position]) }
    }

    /// Functions ascend, lie in the code, do not overlap, and share out all places.
    private func checkFunctions(_ bodyCount: Int) -> Bool {
        var nextIndex = imported
        var end = 0
        var trapEnd = 0
        var callEnd = 0
        var listStart = 0
        var inlinedEnd = 0
        for position in 0..<functions.count {
            let function = functions[position]
            guard Int(function.index) >= nextIndex, Int(function.index) < imported + bodyCount,
                Int(function.codeStart) >= end, Int(function.trapStart) == trapEnd,
                Int(function.callStart) == callEnd, Int(function.handlerListStart) >= listStart,
                Int(function.handlerListStart) <= sites.handlerLists.count,
                Int(function.inlinedStart) == inlinedEnd
            else { return false }
            nextIndex = Int(function.index) + 1
            end = Int(function.codeStart) + Int(function.codeLength)
            trapEnd += Int(function.trapCount)
            callEnd += Int(function.callCount)
            listStart = Int(function.handlerListStart)
            inlinedEnd += Int(function.inlinedCount)
        }
        return end <= codeBytes && trapEnd == sites.traps.count && callEnd == sites.calls.count
            && inlinedEnd == sites.inlined.count
    }

    /// The highest offset of `function`, whose bodies of callees lie one behind the other; nil if
    /// they do not.
    private func inlinedEnd(_ function: CompiledFunction, _ module: DecodedModule) -> UInt32? {
        let body = module.bodies[Int(function.index) - imported]
        var end = body.end &- body.start
        let first = Int(function.inlinedStart)
        for place in first..<first + Int(function.inlinedCount) {
            let call = sites.inlined[place]
            let callee = Int(call.function) - imported
            guard module.bodies.indices.contains(callee), call.start == end + 1,
                call.caller <= end
            else { return nil }
            end = call.start + module.bodies[callee].end - module.bodies[callee].start
            guard end < InlinedCall.offsetLimit else { return nil }
        }
        return end
    }

    /// The places of a function lie in it and ascend; what they name is there. Offsets are at most
    /// `bodyBytes`.
    private func check(_ position: Int, bodyBytes: UInt32, tags: Int) -> Bool {
        let function = functions[position]
        let start = function.codeStart
        var last = start
        let firstTrap = Int(function.trapStart)
        for place in firstTrap..<firstTrap + Int(function.trapCount) {
            let site = sites.traps[place]
            guard site.codeOffset >= last, site.codeOffset - start < function.codeLength,
                site.hasCode, site.bodyOffset <= bodyBytes
            else { return false }
            last = site.codeOffset
        }
        let lists = Int(function.handlerListStart)..<listEnd(position)
        last = start
        let firstCall = Int(function.callStart)
        for place in firstCall..<firstCall + Int(function.callCount) {
            let site = sites.calls[place]
            guard site.codeOffset >= last, site.codeOffset - start <= function.codeLength,
                site.bodyOffset <= bodyBytes, (site.handlers.map { $0 < lists.count } ?? true)
            else { return false }
            last = site.codeOffset
        }
        return check(lists, codeLength: function.codeLength, tags: tags)
    }

    private func listEnd(_ position: Int) -> Int {
        position + 1 < functions.count
            ? Int(functions[position + 1].handlerListStart) : sites.handlerLists.count
    }

    /// Each list goes on in an earlier one, and its handlers are in the function.
    private func check(_ lists: Range<Int>, codeLength: UInt32, tags: Int) -> Bool {
        for place in lists {
            let list = sites.handlerLists[place]
            let end = Int(list.start) + Int(list.count)
            guard end <= sites.handlers.count,
                (list.outer.map { Int($0) < place - lists.lowerBound } ?? true)
            else { return false }
            for handler in Int(list.start)..<end {
                guard sites.handlers[handler].landingOffset < codeLength,
                    (sites.handlers[handler].tag.map { Int($0) < tags } ?? true)
                else { return false }
            }
        }
        return true
    }
}
