internal import ApusFormat

/// Structures and arrays, all in one recursion group.
extension ModuleShape {
    /// The number of the first of them: greater than those of all function types. In the module
    /// they come first (see `BinaryWriter.typeIndex`).
    static let aggregateStart = 64

    /// What a reference to each of them is.
    var aggregateTypes: [ValueType] {
        aggregates.indices.map { Self.reference(toAggregate: $0) }
    }

    static func reference(toAggregate number: Int) -> ValueType {
        .reference(HeapType(typeIndex: UInt32(aggregateStart + number)), nullable: true)
    }

    /// The fields of the structure, or the elements of the array, with this number.
    func fields(_ number: Int) -> [FieldType] {
        switch aggregates[number].composite {
        case .structure(let fields): fields
        case .array(let element): [element]
        case .function: []
        }
    }

    func isArray(_ number: Int) -> Bool { aggregates[number].composite.kind == .array }

    /// Whether aggregate `number` is `other` or below it.
    func isAggregate(_ number: Int, below other: Int) -> Bool {
        var present: Int? = number
        while let candidate = present {
            if candidate == other { return true }
            present = aggregates[candidate].supertype.map { Int($0) - Self.aggregateStart }
        }
        return false
    }

    /// The numbers of the aggregates whose references are references of `type`, too.
    func aggregates(for type: ValueType) -> [Int] {
        aggregates.indices.filter { number in
            switch type.heapType {
            case .any, .eq: true
            case .struct: !isArray(number)
            case .array: isArray(number)
            default:
                type.heapType.typeIndex.map {
                    isAggregate(number, below: Int($0) - Self.aggregateStart)
                } ?? false
            }
        }
    }

    // MARK: Choosing

    /// Those of `provider` come first, so that both modules have the same.
    mutating func chooseAggregates(_ choices: inout ChoiceSource, like provider: ModuleShape?) {
        if let provider {
            aggregates = provider.aggregates
        } else {
            let count = 3 + choices.below(5)
            for number in 0..<count { aggregates.append(aggregate(number, of: count, &choices)) }
            aggregates.append(SubType(.array(FieldType(.funcref, isMutable: true))))
            for number in aggregates.indices.dropLast() {
                let hasSubtypes = aggregates.contains {
                    $0.supertype == UInt32(Self.aggregateStart + number)
                }
                aggregates[number].isFinal = !hasSubtypes && choices.chance(40)
            }
        }
        localTypes += aggregateTypes
        localTypes += [.eq, .any, .i31, .struct].map { .reference($0, nullable: true) }
    }

    private func aggregate(
        _ number: Int, of count: Int, _ choices: inout ChoiceSource
    ) -> SubType {
        let parents = aggregates.indices
        if !parents.isEmpty, choices.chance(45) {
            let parent = choices.pick(Array(parents))
            let index = UInt32(Self.aggregateStart + parent)
            var composite = aggregates[parent].composite
            if case .structure(let fields) = composite {
                composite = .structure(fields + self.fields(choices.below(3), of: count, &choices))
            }
            return SubType(composite, isFinal: false, supertype: index)
        }
        if choices.chance(55) {
            return SubType(.structure(fields(1 + choices.below(5), of: count, &choices)))
        }
        return SubType(.array(FieldType(storage(count, &choices), isMutable: choices.chance(85))))
    }

    private func fields(
        _ fieldCount: Int, of count: Int, _ choices: inout ChoiceSource
    ) -> [FieldType] {
        (0..<fieldCount).map { _ in
            FieldType(storage(count, &choices), isMutable: choices.chance(75))
        }
    }

    /// A constant of structures, arrays or small integers.
    func managedInitializer(
        _ type: ValueType, _ code: inout BinaryWriter, _ choices: inout ChoiceSource
    ) {
        let candidates = aggregates(for: type)
        if [.any, .eq, .i31].contains(type.heapType), choices.chance(40) {
            code.address(choices.pick([0, 1, -1, 1 << 30]), is64: false)
            return code.raw([0xFB, 28])
        }
        guard !candidates.isEmpty, choices.chance(70) else { return code.constant(type, 0) }
        let number = choices.pick(candidates)
        if isArray(number) { code.address(4, is64: false) }
        code.raw([0xFB, isArray(number) ? 7 : 1])
        code.unsigned(code.typeIndex(Self.aggregateStart + number))
    }

    private func storage(_ count: Int, _ choices: inout ChoiceSource) -> ValueType {
        let vectors: [ValueType] = usesVectors ? [.v128] : []
        let numbers: [ValueType] = [.i32, .i8, .i64, .i16, .f64, .f32] + vectors
        if choices.chance(60) { return choices.pick(numbers) }
        let abstract: [ValueType] = [
            .reference(.eq, nullable: true), .reference(.i31, nullable: true), .externref, .funcref,
            .reference(.any, nullable: true),
        ]
        return choices.chance(60)
            ? Self.reference(toAggregate: choices.below(count)) : choices.pick(abstract)
    }
}

extension ValueType {
    /// Whether it is a reference of the hierarchy of `any`.
    var isManaged: Bool {
        guard isReference else { return false }
        if let index = heapType.typeIndex { return Int(index) >= ModuleShape.aggregateStart }
        return heapType != .func && heapType != .extern && heapType != .exn
    }
}
