internal import ApusCollections
internal import ApusFormat

/// Structures, arrays and casts. Specification: 4.6.6, 4.6.7.
extension ReferenceMachine {
    func executeAggregate(
        _ instruction: ReferenceCode.Instruction, _ instance: ReferenceInstance
    ) throws {
        let first = Int(truncatingIfNeeded: instruction.first)
        let second = Int(truncatingIfNeeded: instruction.second)
        switch instruction.operation {
        case .structNew(let values): try makeStructure(instance.types.numbers[first], values)
        case .structGet(let sign):
            let object = try popStructure()
            push(fields(instance, first)[second].unpacked(object.fields[second], sign))
        case .structSet:
            let value = popVector()
            try popStructure().fields[second] = fields(instance, first)[second].packed(value)
        case .arrayLength: push(UInt64(try popArray().fields.count))
        case .refEq: push(pop() == pop() ? 1 : 0)
        case .refTest(let nullable):
            push(store.isInstance(pop(), of: target(instance, first), nullable: nullable) ? 1 : 0)
        case .refCast(let nullable):
            let cell = stack[stack.count - 1].low
            guard store.isInstance(cell, of: target(instance, first), nullable: nullable) else {
                throw ReferenceTrap.castFailure
            }
        case .refI31: push(ReferenceStore.smallInteger(pop32()))
        case .i31Get(let sign):
            let cell = pop()
            if cell == 0 { throw ReferenceTrap.nullSmallInteger }
            push(ReferenceStore.smallInteger(cell, isSigned: sign == .signed))
        case .anyConvertExtern, .externConvertAny: break
        default: try executeArray(instruction, instance)
        }
    }

    /// Whether the reference on top of the stack is what a branch on a cast asks for.
    func isCast(_ instruction: ReferenceCode.Instruction, _ instance: ReferenceInstance) -> Bool {
        store.isInstance(
            stack[stack.count - 1].low,
            of: target(instance, Int(truncatingIfNeeded: instruction.second)),
            nullable: instruction.third & 2 != 0)
    }

    /// The heap type with these bits, by the store's number.
    private func target(_ instance: ReferenceInstance, _ bits: Int) -> HeapType {
        let heap = HeapType(bits: UInt32(truncatingIfNeeded: bits))
        return instance.types.canonical(.reference(heap, nullable: true)).heapType
    }

    private func fields(_ instance: ReferenceInstance, _ type: Int) -> [FieldType] {
        store.fields(instance.types.numbers[type])
    }

    private func element(_ instance: ReferenceInstance, _ type: Int) -> FieldType {
        fields(instance, type)[0]
    }

    private func popStructure() throws -> ReferenceObject {
        guard let object = store.object(pop()) else { throw ReferenceTrap.nullStructure }
        return object
    }

    private func popArray() throws -> ReferenceObject {
        guard let object = store.object(pop()) else { throw ReferenceTrap.nullArray }
        return object
    }

    private func makeStructure(_ number: UInt32, _ values: AggregateInitializer) throws {
        let fields = store.fields(number)
        var contents = fields.map { _ in ModelVector() }
        if values == .values {
            for place in fields.indices.reversed() {
                contents[place] = fields[place].packed(popVector())
            }
        }
        push(try store.allocate(number, contents))
    }

    // MARK: Arrays

    private func executeArray(
        _ instruction: ReferenceCode.Instruction, _ instance: ReferenceInstance
    ) throws {
        let first = Int(truncatingIfNeeded: instruction.first)
        let second = Int(truncatingIfNeeded: instruction.second)
        let number = instance.types.numbers[first]
        let element = element(instance, first)
        switch instruction.operation {
        case .arrayNew(let values):
            let count = Int(pop32())
            try store.reserve(count)
            let value = values == .values ? element.packed(popVector()) : ModelVector()
            push(try store.allocate(number, Array(repeating: value, count: count)))
        case .arrayNewFixed:
            let values = stack.suffix(second).map(element.packed)
            stack.removeLast(second)
            push(try store.allocate(number, values))
        case .arrayNewData:
            let count = pop()
            let values = try instance.elements(element, ofData: second, from: pop(), count)
            push(try store.allocate(number, values))
        case .arrayNewElement:
            let count = pop()
            let values = try instance.references(ofSegment: second, from: pop(), count)
            push(try store.allocate(number, values))
        case .arrayGet(let sign):
            let index = pop()
            let array = try popArray()
            push(element.unpacked(array.fields[try Self.place(index, in: array)], sign))
        case .arraySet:
            let value = element.packed(popVector())
            let index = pop()
            let array = try popArray()
            array.fields[try Self.place(index, in: array)] = value
        default: try executeRange(instruction, instance, element)
        }
    }

    private static func place(_ index: UInt64, in array: ReferenceObject) throws -> Int {
        guard index < UInt64(array.fields.count) else { throw ReferenceTrap.arrayOutOfBounds }
        return Int(index)
    }

    private func executeRange(
        _ instruction: ReferenceCode.Instruction, _ instance: ReferenceInstance,
        _ element: FieldType
    ) throws {
        let second = Int(truncatingIfNeeded: instruction.second)
        let count = pop()
        switch instruction.operation {
        case .arrayFill:
            let value = element.packed(popVector())
            try write(at: pop(), count) { _ in Array(repeating: value, count: Int(count)) }
        case .arrayCopy:
            let start = pop()
            let source = try popArray()
            try write(at: pop(), count) { _ in
                Array(source.fields[try Self.range(start, count, in: source)])
            }
        case .arrayInitData:
            let start = pop()
            try write(at: pop(), count) {
                try $0.elements(element, ofData: second, from: start, count)
            }
        case .arrayInitElement:
            let start = pop()
            try write(at: pop(), count) { try $0.references(ofSegment: second, from: start, count) }
        default:
            throw ReferenceUnsupported(what: "\(instruction.operation)", offset: 0)
        }
        /// Writes what `values` gives into the array on the stack, which is looked at first.
        func write(
            at start: UInt64, _ count: UInt64, _ values: (ReferenceInstance) throws -> [ModelVector]
        ) throws {
            let array = try popArray()
            let range = try Self.range(start, count, in: array)
            array.fields.replaceSubrange(range, with: try values(instance))
        }
    }

    private static func range(
        _ start: UInt64, _ count: UInt64, in array: ReferenceObject
    ) throws -> Range<Int> {
        try ReferenceInstance.range(
            start, count, within: array.fields.count, else: .arrayOutOfBounds)
    }
}

extension ReferenceStore {
    /// The fields of the structure, or the elements of the array, with this number.
    func fields(_ number: UInt32) -> [FieldType] {
        switch types[Int(number)].composite {
        case .structure(let fields): fields
        case .array(let element): [element]
        case .function: []
        }
    }
}

extension ReferenceInstance {
    /// `count` elements that a data segment has from byte `start` on.
    func elements(
        _ element: FieldType, ofData segment: Int, from start: UInt64, _ count: UInt64
    ) throws -> [ModelVector] {
        let size = element.byteCount
        let (bytes, overflow) = count.multipliedReportingOverflow(by: UInt64(size))
        if overflow { throw ReferenceTrap.memoryOutOfBounds }
        let range = try Self.range(
            start, bytes, within: data[segment].count, else: .memoryOutOfBounds)
        try store.reserve(Int(count))
        return stride(from: range.lowerBound, to: range.upperBound, by: size).map { place in
            func word(_ start: Int, _ size: Int) -> UInt64 {
                (0..<size).reversed().reduce(0) { $0 << 8 | UInt64(data[segment][start + $1]) }
            }
            return size == 16
                ? ModelVector(low: word(place, 8), high: word(place + 8, 8))
                : ModelVector(low: word(place, size))
        }
    }

    /// `count` references that an element segment has from place `start` on.
    func references(
        ofSegment segment: Int, from start: UInt64, _ count: UInt64
    ) throws -> [ModelVector] {
        let range = try Self.range(
            start, count, within: elements[segment].count, else: .tableOutOfBounds)
        return elements[segment][range].map { ModelVector(low: $0) }
    }
}
