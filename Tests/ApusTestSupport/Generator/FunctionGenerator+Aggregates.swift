internal import ApusFormat

/// Structures, arrays, casts and small integers.
extension FunctionGenerator {
    private func index(_ number: Int) -> Int {
        code.typeIndex(ModuleShape.aggregateStart + number)
    }

    private mutating func op(aggregate code: UInt8, _ number: Int) {
        self.code.raw([0xFB, code])
        self.code.unsigned(index(number))
    }

    // MARK: Making

    private enum Form { case make, upcast, field, cast, small, converted, leaf }

    /// Leaves a reference of `type`, of the hierarchy of `any`.
    mutating func managed(_ type: ValueType, depth: Int) {
        let candidates = shape.aggregates(for: type)
        let takesSmall = [.any, .eq, .i31].contains(type.heapType)
        let takesAny = type.heapType == .any
        let form: Form = choices.pick(weighted: [
            (candidates.isEmpty ? 0 : 30, .make), (10, .field), (8, .cast),
            (takesSmall ? 20 : 0, .small), (takesAny ? 10 : 0, .converted), (2, .leaf),
            (candidates.isEmpty ? 0 : 12, .upcast),
        ])
        switch form {
        case .make: make(choices.pick(candidates), depth: depth)
        case .upcast:
            let number = choices.pick(candidates)
            expression(ModuleShape.reference(toAggregate: number), depth: depth - 1)
        case .field: if !read(giving: type, depth: depth) { small(type, depth: depth) }
        case .cast: cast(type, depth: depth)
        case .small: small(type, depth: depth)
        case .converted:
            expression(.externref, depth: depth - 1)
            code.raw([0xFB, 26])
        case .leaf: code.constant(type, 0)
        }
    }

    /// A small integer if it may be one, else null.
    private mutating func small(_ type: ValueType, depth: Int) {
        guard [.any, .eq, .i31].contains(type.heapType) else { return code.constant(type, 0) }
        expression(.i32, depth: depth - 1)
        code.raw([0xFB, 28])
    }

    /// Leaves a new structure or array.
    private mutating func make(_ number: Int, depth: Int) {
        if shape.isArray(number) { return makeArray(number, depth: depth) }
        if choices.chance(25) { return op(aggregate: 1, number) }
        for field in shape.fields(number) { expression(field.unpacked, depth: depth - 1) }
        op(aggregate: 0, number)
    }

    /// Long enough for most places that are read and written.
    private mutating func arrayCount() -> Int { choices.pick([4, 5, 8, 16, 4, 1, 0]) }

    private mutating func makeArray(_ number: Int, depth: Int) {
        let element = shape.fields(number)[0]
        switch choices.below(5) {
        case 0:
            i32Const(choices.chance(2) ? hugeCount(of: element.storage) : arrayCount())
            op(aggregate: 7, number)
        case 1:
            let count = arrayCount()
            for _ in 0..<count { expression(element.unpacked, depth: min(depth - 1, 1)) }
            op(aggregate: 8, number)
            code.unsigned(count)
        case 2 where !element.storage.isReference && !shape.data.isEmpty:
            segmentRange(shape.data.map(\.contents.count), of: Self.byteCount(element.storage)) {
                $0.op(aggregate: 9, number)
            }
        case 3 where element.storage == .funcref && !shape.elements.isEmpty:
            segmentRange(shape.elements.map(\.items.count), of: 1) {
                $0.op(aggregate: 10, number)
            }
        default:
            expression(element.unpacked, depth: depth - 1)
            i32Const(choices.chance(1) ? hugeCount(of: element.storage) : arrayCount())
            op(aggregate: 6, number)
        }
    }

    /// So many elements that with the header they have more than 4 GiB, which no heap has, and
    /// often little more, or than a multiple of that: the lower half of the size is small.
    private mutating func hugeCount(of storage: ValueType) -> Int {
        let unit = Self.byteCount(storage)
        let whole = (1 << 32) / unit * (unit == 1 ? 1 : choices.pick([1, 1, 2, unit - 1]))
        let count = UInt32(truncatingIfNeeded: whole + choices.pick([0, -1, -2, 1, 8, -16]))
        let least = unit == 1 ? UInt32.max - 4 : UInt32((1 << 32) / unit)
        return Int(Int32(bitPattern: max(count, least)))
    }

    private static func byteCount(_ storage: ValueType) -> Int {
        switch storage {
        case .i8: 1
        case .i16: 2
        case .i32, .f32: 4
        case .v128: 16
        default: 8
        }
    }

    /// Leaves a place in a segment and a count, mostly within it, and writes the instruction, whose
    /// last immediate is the segment.
    private mutating func segmentRange(
        _ sizes: [Int], of size: Int, _ instruction: (inout FunctionGenerator) -> Void
    ) {
        let segment = choices.below(sizes.count)
        i32Const(seldomExtreme(choices.chance(10) ? 1 : 0))
        let count = choices.chance(5) ? 9 : min(sizes[segment] / size, choices.pick([4, 1, 0]))
        i32Const(seldomExtreme(count))
        instruction(&self)
        code.unsigned(segment)
    }

    // MARK: Not null

    /// Leaves a reference to aggregate `number` that is seldom null.
    private mutating func object(_ number: Int, depth: Int) {
        let type = ModuleShape.reference(toAggregate: number)
        if depth <= 0 || choices.chance(3) { return expression(type, depth: depth - 1) }
        if choices.chance(30) { return make(number, depth: depth - 1) }
        let local = scratch(type)
        expression(type, depth: depth - 1)
        op(0x21, local)
        code.raw([0x02, 0x64])
        code.heapType(type.heapType)
        op(0x20, local)
        code.raw([0xD6, 0])
        if shape.isArray(number) { i32Const(4) }
        op(aggregate: shape.isArray(number) ? 7 : 1, number)
        op(0x0B)
    }

    private mutating func place(depth: Int) {
        if choices.chance(70) { return i32Const(seldomExtreme(choices.pick([0, 1, 2, 3]))) }
        expression(.i32, depth: depth - 1)
        i32Const(choices.pick([3, 3, 1, 7]))
        op(0x71)
    }

    // MARK: Reading

    /// Fields and elements whose values are of `type`: the aggregate, and which field.
    private func places(
        of type: ValueType, isWritten: Bool = false
    ) -> [(number: Int, field: Int)] {
        shape.aggregates.indices.flatMap { number in
            let fields = shape.fields(number)
            return fields.indices.filter {
                fields[$0].unpacked == type && (!isWritten || fields[$0].isMutable)
            }.map { (number, $0) }
        }
    }

    /// Reads a value of `type` from a structure or an array; false if none has one.
    mutating func read(giving type: ValueType, depth: Int) -> Bool {
        let places = places(of: type)
        guard !places.isEmpty else { return false }
        let (number, field) = choices.pick(places)
        object(number, depth: depth)
        let isPacked = shape.fields(number)[field].isPacked
        let sign = isPacked ? 1 + UInt8(choices.below(2)) : 0
        if shape.isArray(number) {
            place(depth: depth)
            op(aggregate: 11 + sign, number)
        } else {
            op(aggregate: 2 + sign, number)
            code.unsigned(field)
        }
        return true
    }

    /// An i32 that says something of a reference.
    mutating func managedTest(depth: Int) {
        switch choices.below(4) {
        case 0:
            let arrays = shape.aggregates.indices.filter { shape.isArray($0) }
            object(choices.pick(arrays), depth: depth)
            code.raw([0xFB, 15])
        case 1:
            let type = ValueType.reference(.eq, nullable: true)
            expression(type, depth: depth - 1)
            expression(type, depth: depth - 1)
            op(0xD3)
        case 2:
            // Small integers are seldom null here.
            let local = scratch(.reference(.i31, nullable: true))
            expression(.reference(.i31, nullable: true), depth: depth - 1)
            op(0x21, local)
            code.raw([0x02, 0x64, 0x6C])
            op(0x20, local)
            code.raw([0xD6, 0, 0x41, 9, 0xFB, 28, 0x0B])
            code.raw([0xFB, 29 + UInt8(choices.below(2))])
        default:
            let (source, target) = castTypes()
            expression(source, depth: depth - 1)
            code.raw([0xFB, 20 + UInt8(choices.below(2))])
            code.heapType(target.heapType)
        }
    }

    // MARK: Casts

    /// A type, and one below it.
    private mutating func castTypes() -> (source: ValueType, target: ValueType) {
        let abstract: [HeapType] = [.any, .eq, .struct]
        let source = ValueType.reference(choices.pick(abstract), nullable: true)
        let below = shape.aggregates(for: source).map { ModuleShape.reference(toAggregate: $0) }
        return (source, choices.pick(below + [source]))
    }

    /// Leaves a reference of `type` that was one of a type above it.
    private mutating func cast(_ type: ValueType, depth: Int) {
        let above = [HeapType.any, .eq, .struct, .array].map {
            ValueType.reference($0, nullable: true)
        }.filter { $0 != type && isBelow(type, $0) }
        guard !above.isEmpty else { return code.constant(type, 0) }
        let source = choices.pick(above)
        let local = scratch(source)
        expression(source, depth: depth - 1)
        op(0x21, local)
        switch choices.below(4) {
        case 0:
            // It is tested before, so it seldom traps.
            op(0x20, local)
            code.raw([0xFB, 21])
            code.heapType(type.heapType)
            op(0x04)
            code.type(type)
            op(0x20, local)
            code.raw([0xFB, 23])
            code.heapType(type.heapType)
            op(0x05)
            code.constant(type, 0)
            op(0x0B)
        case 1:
            op(0x02)
            code.type(type)
            op(0x20, local)
            code.raw([0xFB, 24, 3, 0])
            code.heapType(source.heapType)
            code.heapType(type.heapType)
            op(0x1A)
            code.constant(type, 0)
            op(0x0B)
        case 2:
            op(0x02)
            code.type(type)
            op(0x02)
            code.type(source)
            op(0x20, local)
            code.raw([0xFB, 25, 1, 0])
            code.heapType(source.heapType)
            code.heapType(type.heapType)
            op(0x0C, 1)
            op(0x0B)
            op(0x1A)
            code.constant(type, 0)
            op(0x0B)
        default:
            op(0x20, local)
            code.raw([0xFB, choices.chance(80) ? 23 : 22])
            code.heapType(type.heapType)
        }
    }

    private func isBelow(_ type: ValueType, _ other: ValueType) -> Bool {
        switch type.heapType {
        case .any: false
        case .eq: other.heapType == .any
        case .i31, .struct, .array: other.heapType == .any || other.heapType == .eq
        default:
            type.heapType.typeIndex.map {
                shape.aggregates(for: other).contains(Int($0) - ModuleShape.aggregateStart)
            } ?? false
        }
    }

    // MARK: Writing

    mutating func managedStatement(depth: Int) {
        switch choices.below(6) {
        case 0, 1, 2: write(depth: depth)
        case 3: fill(depth: depth)
        case 4: copy(depth: depth)
        default: initialize(depth: depth)
        }
    }

    private mutating func write(depth: Int) {
        let types = shape.localTypes + [.i32]
        let places = places(of: choices.pick(types), isWritten: true)
        guard !places.isEmpty else { return }
        let (number, field) = choices.pick(places)
        object(number, depth: depth)
        if shape.isArray(number) { place(depth: depth) }
        expression(shape.fields(number)[field].unpacked, depth: depth - 1)
        op(aggregate: shape.isArray(number) ? 14 : 5, number)
        if !shape.isArray(number) { code.unsigned(field) }
    }

    private var mutableArrays: [Int] {
        shape.aggregates.indices.filter {
            shape.isArray($0) && shape.fields($0)[0].isMutable
        }
    }

    private mutating func fill(depth: Int) {
        let number = choices.pick(mutableArrays)
        object(number, depth: depth)
        i32Const(seldomExtreme(choices.pick([0, 1, 2])))
        expression(shape.fields(number)[0].unpacked, depth: depth - 1)
        i32Const(seldomExtreme(choices.pick([0, 1, 2, 3])))
        op(aggregate: 16, number)
    }

    private mutating func copy(depth: Int) {
        let number = choices.pick(mutableArrays)
        let element = shape.fields(number)[0].storage
        let sources = shape.aggregates.indices.filter {
            shape.isArray($0) && shape.fields($0)[0].storage == element
        }
        let source = choices.pick(Array(sources))
        object(number, depth: depth)
        i32Const(seldomExtreme(choices.pick([0, 1, 2])))
        object(source, depth: depth)
        i32Const(seldomExtreme(choices.pick([0, 1, 2])))
        i32Const(seldomExtreme(choices.pick([0, 1, 2, 3])))
        op(aggregate: 17, number)
        code.unsigned(index(source))
    }

    private mutating func initialize(depth: Int) {
        let number = choices.pick(mutableArrays)
        let storage = shape.fields(number)[0].storage
        let takesData = !storage.isReference && !shape.data.isEmpty
        guard takesData || storage == .funcref && !shape.elements.isEmpty else { return }
        object(number, depth: depth)
        i32Const(seldomExtreme(choices.pick([0, 0, 1])))
        if takesData {
            segmentRange(shape.data.map(\.contents.count), of: Self.byteCount(storage)) {
                $0.op(aggregate: 18, number)
            }
        } else {
            segmentRange(shape.elements.map(\.items.count), of: 1) {
                $0.op(aggregate: 19, number)
            }
        }
    }
}
