internal import ApusCollections

/// Type definitions. Specification: 3.2.10 “Recursive Types”.
extension ModuleValidator {
    func validateTypes() throws(ModuleError) {
        let types = module.types
        for number in 0..<types.groupCount {
            let group = types.group(number)
            for index in group { try validateType(index, before: group.upperBound) }
        }
    }

    /// `end` is the index after the last type of its group.
    private func validateType(_ index: Int, before end: Int) throws(ModuleError) {
        let place = offset(index, in: module.offsets.types)
        let fields = module.types.fieldRange(index)
        let results = module.types.resultRange(index)
        for field in fields.lowerBound..<results.upperBound {
            try check(module.types.fields[field].storage, typesBefore: end, at: place)
        }
        if results.count > 1, !features.has(.multiValue) {
            throw ModuleError(
                .unsupported(.multiValue), at: Int(place),
                "type \(index) has \(results.count) results")
        }
        let supertype = module.types.entries[index].supertype
        if supertype == ModuleTypes.noSupertype { return }
        try check(supertype, below: index, "type", at: place)
        try validateType(index, below: Int(supertype), at: place)
    }

    /// Checks that type `index` may be a subtype of `supertype`.
    private func validateType(
        _ index: Int, below supertype: Int, at place: UInt32
    ) throws(ModuleError) {
        guard !module.types.entries[supertype].isFinal else {
            throw invalid(place, "sub type \(index) of the final type \(supertype)")
        }
        guard hasFields(index, matching: supertype) else {
            throw invalid(place, "sub type \(index) does not match its supertype \(supertype)")
        }
        let depth = module.typePlaces[index].depth
        guard depth <= ModuleTypes.depthLimit else {
            throw ModuleError(
                .limit, at: Int(place),
                "type \(index) has \(depth) supertypes, the limit is \(ModuleTypes.depthLimit)")
        }
    }

    /// Composite types: 3.3.8.
    private func hasFields(_ index: Int, matching other: Int) -> Bool {
        let types = module.types
        guard types.kind(index) == types.kind(other) else { return false }
        let (own, wanted) = (types.fieldRange(index), types.fieldRange(other))
        let (results, wantedResults) = (types.resultRange(index), types.resultRange(other))
        switch types.kind(index) {
        case .function:
            return own.count == wanted.count && results.count == wantedResults.count
                && zip(wanted, own).allSatisfy(isField)
                && zip(results, wantedResults).allSatisfy(isField)
        case .structure:
            return own.count >= wanted.count && zip(own, wanted).allSatisfy(isField)
        case .array:
            return zip(own, wanted).allSatisfy(isField)
        }
    }

    /// Whether the field at place `given` may be where the one at `expected` is expected.
    private func isField(_ given: Int, _ expected: Int) -> Bool {
        let fields = module.types.fields
        return module.canonical(fields[given])
            .matches(module.canonical(fields[expected]), in: module)
    }
}
