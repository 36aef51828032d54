internal import ApusFormat

/// Calls of each kind, also in place of the caller.
extension FunctionGenerator {
    /// Functions this one may call: without fuel, only earlier ones.
    private var callees: Range<Int> {
        0..<(shape.fuelGlobal == nil ? index : shape.functions.count)
    }

    mutating func callStatement(depth: Int) {
        guard !callees.isEmpty else { return }
        let callee = choices.pick(Array(callees))
        call(callee, depth: depth)
        consume(shape.type(of: callee).results)
    }

    /// Calls a function that gives a value of this type, and leaves only this one.
    mutating func call(giving type: ValueType, depth: Int) -> Bool {
        let candidates = callees.filter { shape.type(of: $0).results.contains(type) }
        guard !candidates.isEmpty else { return false }
        let callee = choices.pick(candidates)
        let results = shape.type(of: callee).results
        call(callee, depth: depth)
        guard results.count > 1, let position = results.lastIndex(of: type) else { return true }
        consume(Array(results[(position + 1)...]))
        if position > 0 {
            let kept = addLocal(type)
            op(0x21, kept)
            consume(Array(results[..<position]))
            op(0x20, kept)
        }
        return true
    }

    /// Ends the function with a call that gives its results; false if there is no such function.
    mutating func tailCall(depth: Int) -> Bool {
        let candidates = callees.filter { shape.type(of: $0).results == type.results }
        guard !candidates.isEmpty else { return false }
        call(choices.pick(candidates), isTail: true, depth: depth)
        return true
    }

    mutating func ifTailCall(depth: Int) {
        condition(depth: depth - 1)
        op(0x04)
        code.byte(0x40)
        labels.append(Label(types: []))
        if !tailCall(depth: depth - 1) { escape(depth: depth - 1) }
        close()
    }

    /// A call, sometimes through a table or by reference, where another function may have taken
    /// the callee's place.
    private mutating func call(_ callee: Int, isTail: Bool = false, depth: Int) {
        expressions(shape.type(of: callee).parameters, depth: depth - 1)
        let places = shape.places(of: callee)
        let typed = shape.typedReferences.filter { shape.functions(for: $0).contains(callee) }
        let tail: UInt8 = isTail ? 1 : 0
        if let type = typed.first, choices.chance(50) {
            reference(to: callee, type, depth: depth)
            code.byte(isTail ? 0x15 : 0x14)
            code.unsigned(code.typeIndex(Int(type.heapType.bits)))
            return
        }
        guard !places.isEmpty, choices.chance(60) else { return op(isTail ? 0x12 : 0x10, callee) }
        let place = choices.pick(places)
        let is64 = shape.tables[place.table].is64
        if choices.chance(95) {
            code.address(place.index, is64: is64)
        } else {
            expression(is64 ? .i64 : .i32, depth: depth - 1)
        }
        if choices.chance(20) {
            code.address(0, is64: is64)
            op(is64 ? 0x7C : 0x6A)
        }
        op(0x11 + 2 * tail, code.typeIndex(shape.functions[callee]))
        code.unsigned(place.table)
    }

    /// A reference to this function, or, sometimes, another of its type, or null.
    private mutating func reference(to callee: Int, _ type: ValueType, depth: Int) {
        switch choices.below(10) {
        case 0..<7: op(0xD2, callee)
        case 7:
            // Never null, but who knows that?
            let local = addLocal(type)
            op(0xD2, callee)
            op(0x21, local)
            op(0x20, local)
        case 8:
            op(0xD2, callee)
            op(0xD4)
        default: expression(type, depth: depth - 1)
        }
    }
}
