internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Bulk operations on tables (4.6.4). Few elements, of a number that is known, are written out one
/// by one.
extension FunctionTranslator {
    /// More elements than this are the runtime's.
    private static var writtenOutElements: UInt64 { 8 }

    mutating func translateTableFill() {
        let table = Int(reader.readIndex())
        if isFuelMetered { return callTableFill(table) }
        let known = writtenOutElementCount()
        let first = stack.count &- 3
        let (index, value, count) = (stack[first], stack[first &+ 1], stack[first &+ 2])
        guard let to = address(of: count, elementsAt: index, table) else { return }
        stack.truncate(to: first)
        if let known {
            for position in 0..<known { store(value, to, position) }
            return
        }
        fill(elementCount(wide(count)), to, with: value, .table) {
            $0.push(index)
            $0.push(value)
            $0.push(count)
            $0.callTableFill(table)
        }
    }

    private mutating func callTableFill(_ table: Int) {
        callRuntime(
            .tableFill, [layout.tablePlace(table)], operands: 3, changing: [.init(.table)])
    }

    mutating func translateTableCopy() {
        let destination = Int(reader.readIndex())
        let source = Int(reader.readIndex())
        let places = (layout.tablePlace(destination), layout.tablePlace(source))
        if isFuelMetered { return callTableCopy(places.0, places.1) }
        let known = writtenOutElementCount()
        let first = stack.count &- 3
        let (index, from, count) = (stack[first], stack[first &+ 1], stack[first &+ 2])
        guard let target = address(of: count, elementsAt: index, destination),
            let origin = address(of: count, elementsAt: from, source)
        else { return }
        copyElements(count, known, (target, index, places.0), (origin, from, places.1))
    }

    mutating func translateTableInit() {
        let segment = Int(reader.readIndex())
        let table = Int(reader.readIndex())
        let places = (layout.tablePlace(table), layout.elementPlace(segment))
        guard !isFuelMetered, layout.hasRecord(ofElements: segment) else {
            return callTableCopy(places.0, places.1)
        }
        let known = writtenOutElementCount()
        let first = stack.count &- 3
        let (index, from, count) = (stack[first], stack[first &+ 1], stack[first &+ 2])
        guard let target = address(of: count, elementsAt: index, table),
            let origin = address(inElements: segment, from, wide(count))
        else { return }
        copyElements(count, known, (target, index, places.0), (origin, from, places.1))
    }

    private mutating func callTableCopy(_ destination: UInt32, _ source: UInt32) {
        callRuntime(
            .tableCopy, [destination, source], operands: 3, changing: [.init(.table)])
    }

    mutating func translateElementDrop() {
        callRuntime(
            .elementDrop, [reader.readIndex()], operands: 0, changing: [.init(.tableRecord)])
    }

    // MARK: What is written out

    /// The number of elements on top of the stack, if the operation is to be written out.
    private mutating func writtenOutElementCount() -> Int? {
        guard !isFuelMetered, let count = builder.constant(stack.last),
            count <= Self.writtenOutElements
        else { return nil }
        return Int(count)
    }

    private func elementCount(_ count: Value) -> ElementCount {
        ElementCount(value: count, type: .ref, width: .full, shift: 3)
    }

    /// What is copied from or to: where it is, its index, and what names it to the runtime.
    private typealias Side = (address: MemoryAddress, index: Value, place: UInt32)

    /// Copies `count` elements, of a number that may be known, in place of the operands.
    private mutating func copyElements(
        _ count: Value, _ known: Int?, _ to: Side, _ from: Side
    ) {
        stack.truncate(to: stack.count &- 3)
        if let known { return copyElements(known, to.address, from.address) }
        copy(elementCount(wide(count)), to.address, from.address, (.table, .table)) {
            $0.push(to.index)
            $0.push(from.index)
            $0.push(count)
            $0.callTableCopy(to.place, from.place)
        }
    }

    private mutating func copyElements(_ count: Int, _ to: MemoryAddress, _ from: MemoryAddress) {
        // All is read before anything is written: the ranges may overlap.
        let first = carriedValues.count
        for position in 0..<count {
            let displacement = Int32(truncatingIfNeeded: position &* 8)
            carriedValues.append(
                builder.load(
                    .ref, MemoryAccess(.full, .table), from.base, from.index, displacement))
        }
        for position in 0..<count { store(carriedValues[first &+ position], to, position) }
        carriedValues.truncate(to: first)
    }

    private mutating func store(_ value: Value, _ to: MemoryAddress, _ position: Int) {
        builder.store(
            value, MemoryAccess(.full, .table), to.base, to.index,
            Int32(truncatingIfNeeded: position &* 8))
    }

    /// Where `count` elements of `table` are from `index` on, checked. Nil if there never are such:
    /// then the block is at its end.
    private mutating func address(
        of count: Value, elementsAt index: Value, _ table: Int
    ) -> MemoryAddress? {
        let size = self.count(ofTable: table)
        let needed = wide(count)
        let is64 = builder.function.type(index) == .i64
        if is64, !trap(.tableOutOfBounds, if: compare(size, .lessUnsigned, needed)) {
            return nil
        }
        let index = wide(index)
        // An index of 64 bits may be so large that nothing can be added to it.
        let left =
            is64 ? index : builder.value(ApusIR.Instruction(.add, .i64, index, needed))
        let right =
            is64 ? builder.value(ApusIR.Instruction(.subtract, .i64, size, needed)) : size
        let isOutside = compare(left, .greaterUnsigned, right)
        guard trap(.tableOutOfBounds, if: isOutside) else { return nil }
        return elements(index, table, unless: isOutside)
    }

    /// Where the `count` elements of a segment, in 64 bits, are that begin with the one at
    /// `position`. Nil if there never are such: then the block is at its end.
    mutating func address(
        inElements segment: Int, _ position: Value, _ count: Value
    ) -> MemoryAddress? {
        let isOwn = layout.hasRecord(ofElements: segment)
        guard
            var place = address(
                inRecord: isOwn ? layout.elementSegment(segment) : nil, wide(position), count,
                trap: .tableOutOfBounds)
        else { return nil }
        place.index = builder.value(
            ApusIR.Instruction(.shiftLeft, .i64, place.index, builder.constant(.i64, 3)))
        return place
    }

    private mutating func compare(
        _ left: Value, _ condition: IntegerCondition, _ right: Value
    ) -> Value {
        builder.value(
            ApusIR.Instruction(.compare, .i32, left, right, immediate: condition.rawValue))
    }
}
