internal import ApusCollections

// Consumes: what ModuleDecoder has made of the bytes.
// Leaves to FunctionValidator: the bodies of functions.

/// Checks everything in a module but its function bodies. Specification: 3.4.10 and 3.5.
public struct ModuleValidator {
    let module: DecodedModule
    let features: FeatureSet

    /// Checks `module`; its function bodies are checked by `FunctionValidator`, afterwards.
    ///
    /// - Throws: `ModuleError` with the offset of the offending item.
    public static func validate(
        _ module: DecodedModule, features: FeatureSet = .standard
    ) throws(ModuleError) {
        let validator = ModuleValidator(module: module, features: features)
        try validator.validateTypes()
        try validator.validateImports()
        try validator.validateDefinitions()
        try validator.validateExports()
        try validator.validateStart()
        try validator.validateElements()
        try validator.validateData()
    }

    func invalid(_ offset: UInt32, _ message: String) -> ModuleError {
        ModuleError(.invalid, at: Int(offset), message)
    }

    func offset(_ index: Int, in offsets: [UInt32]) -> UInt32 {
        offsets.indices.contains(index) ? offsets[index] : 0
    }

    func check(
        _ index: UInt32, below count: Int, _ what: String, at offset: UInt32
    ) throws(ModuleError) {
        guard Int(index) < count else { throw invalid(offset, "unknown \(what) \(index)") }
    }

    // MARK: Imports, definitions

    /// Checks that `type` names a type that exists, and comes before the one with the index `end`.
    func check(_ type: ValueType, typesBefore end: Int? = nil, at offset: UInt32)
        throws(ModuleError)
    {
        guard type.isReference, let index = type.heapType.typeIndex else { return }
        try check(index, below: end ?? module.ownTypeCount, "type", at: offset)
    }

    /// Checks that `index` is that of a type of `kind`.
    func check(_ index: UInt32, is kind: CompositeKind, at offset: UInt32) throws(ModuleError) {
        try check(index, below: module.ownTypeCount, "type", at: offset)
        let found = module.types.kind(Int(index))
        guard found == kind else {
            throw invalid(
                offset,
                "type mismatch: \(module.describe(type: Int(index))) is \(found.name), "
                    + "not \(kind.name)")
        }
    }

    /// Whether a value of type `given` may be where one of type `expected` is asked for.
    func matches(_ given: ValueType, _ expected: ValueType) -> Bool {
        module.canonical(given).matches(module.canonical(expected), in: module)
    }

    private func validateImports() throws(ModuleError) {
        for (index, item) in module.imports.enumerated() {
            let offset = offset(index, in: module.offsets.imports)
            switch item.type {
            case .function(let type):
                try check(type, is: .function, at: offset)
            case .tag(let type): try validate(tagType: type, at: offset)
            case .table(let type): try validate(type, at: offset)
            case .memory(let type): try validate(type, at: offset)
            case .global(let type):
                try check(type.value, at: offset)
                if type.isMutable, !features.has(.mutableGlobals) {
                    throw ModuleError(
                        .unsupported(.mutableGlobals), at: Int(offset), "imported mutable global")
                }
            }
        }
    }

    private func validateDefinitions() throws(ModuleError) {
        for index in module.importedFunctionCount..<module.functions.count {
            let place = index - module.importedFunctionCount
            try check(
                module.functions[index], is: .function,
                at: offset(place, in: module.offsets.functions))
        }
        for index in module.importedTableCount..<module.tables.count {
            let place = index - module.importedTableCount
            let offset = offset(place, in: module.offsets.tables)
            try validate(module.tables[index], at: offset)
            let element = module.tables[index].element
            if let initializer = module.tableInitializers[place] {
                try validate(
                    initializer, as: element, at: offset,
                    globalsBefore: module.importedGlobalCount)
            } else if !element.isDefaultable {
                throw invalid(
                    offset, "type mismatch: table \(index) of \(element) has no initial value")
            }
        }
        for index in module.importedMemoryCount..<module.memories.count {
            let place = index - module.importedMemoryCount
            try validate(
                module.memories[index], at: offset(place, in: module.offsets.memories))
        }
        for index in module.importedTagCount..<module.tags.count {
            let place = index - module.importedTagCount
            try validate(
                tagType: module.tags[index], at: offset(place, in: module.offsets.tags))
        }
        if module.memories.count > 1, !features.has(.multiMemory) {
            let offset = module.offsets.memories.last ?? module.offsets.imports.last ?? 0
            throw ModuleError(
                .unsupported(.multiMemory), at: Int(offset), "multiple memories")
        }
        for (place, initializer) in module.globalInitializers.enumerated() {
            let type = module.globals[module.importedGlobalCount + place]
            try check(type.value, at: offset(place, in: module.offsets.globals))
            try validate(
                initializer, as: type.value, at: offset(place, in: module.offsets.globals),
                globalsBefore: module.importedGlobalCount + place)
        }
    }

    /// Exceptions carry something and return nothing (3.2.11).
    private func validate(tagType index: UInt32, at offset: UInt32) throws(ModuleError) {
        try check(index, is: .function, at: offset)
        guard module.types.function(Int(index)).results.isEmpty else {
            throw invalid(offset, "non-empty tag result type")
        }
    }

    private func validate(_ type: TableType, at offset: UInt32) throws(ModuleError) {
        try check(type.element, at: offset)
        let most = type.is64 ? UInt64.max : UInt64(UInt32.max)
        try validate(type.limits, upTo: most, "table", at: offset)
    }

    private func validate(_ type: MemoryType, at offset: UInt32) throws(ModuleError) {
        let exponent = UInt64(type.pageSizeLog2)
        guard exponent == 0 || exponent == 16 else {
            throw invalid(offset, "invalid custom page size")
        }
        // Ordered as the specification's scripts expect the messages.
        let most = exponent == 0 ? UInt64.max >> (type.is64 ? 0 : 32) : 1 << (type.is64 ? 48 : 16)
        guard type.limits.minimum <= most, type.limits.maximum ?? 0 <= most else {
            let text = "memory size must be at most \(most)"
            throw invalid(offset, exponent == 0 || type.is64 ? text : text + " pages (4GiB)")
        }
        try validate(type.limits, upTo: most, "memory", at: offset)
        if type.isShared, type.limits.maximum == nil {
            throw invalid(offset, "shared memory must have maximum")
        }
    }

    private func validate(
        _ limits: SizeLimits, upTo most: UInt64, _ what: String, at offset: UInt32
    ) throws(ModuleError) {
        guard limits.minimum <= most, limits.maximum ?? 0 <= most else {
            throw invalid(offset, "\(what) size must be at most \(most)")
        }
        if let maximum = limits.maximum, limits.minimum > maximum {
            throw invalid(offset, "size minimum must not be greater than maximum")
        }
    }

    // MARK: Exports and start

    private func validateExports() throws(ModuleError) {
        var names = Set<ExactName>(minimumCapacity: module.exports.count)
        for (index, export) in module.exports.enumerated() {
            let offset = offset(index, in: module.offsets.exports)
            switch export.item {
            case .function(let item):
                try check(item, below: module.functions.count, "function", at: offset)
            case .table(let item):
                try check(item, below: module.tables.count, "table", at: offset)
            case .memory(let item):
                try check(item, below: module.memories.count, "memory", at: offset)
            case .tag(let item):
                try check(item, below: module.tags.count, "tag", at: offset)
            case .global(let item):
                try check(item, below: module.globals.count, "global", at: offset)
                if module.globals[Int(item)].isMutable, !features.has(.mutableGlobals) {
                    throw ModuleError(
                        .unsupported(.mutableGlobals), at: Int(offset), "exported mutable global")
                }
            }
            guard names.insert(ExactName(export.name)).inserted else {
                throw invalid(
                    offset, "duplicate export name \(PrintableText.name(export.name))")
            }
        }
    }

    private func validateStart() throws(ModuleError) {
        guard let start = module.start else { return }
        let offset = module.offsets.start
        try check(start, below: module.functions.count, "function", at: offset)
        let type = module.functionType(Int(start))
        guard type.parameters.isEmpty, type.results.isEmpty else {
            throw invalid(offset, "start function must have type [] -> [], not \(type)")
        }
    }

    // MARK: Segments

    private func validateElements() throws(ModuleError) {
        for (index, segment) in module.elements.enumerated() {
            let offset = offset(index, in: module.offsets.elements)
            try check(segment.type, at: offset)
            if case .active(let table, let position) = segment.mode {
                try check(table, below: module.tables.count, "table", at: offset)
                let type = module.tables[Int(table)]
                guard matches(segment.contentType, type.element) else {
                    throw invalid(
                        offset,
                        "type mismatch: table \(table) holds \(type.element), "
                            + "not \(segment.type)")
                }
                try validate(position, as: type.address, at: offset)
            }
            switch segment.initializers {
            case .functions(let functions):
                for function in functions {
                    try check(function, below: module.functions.count, "function", at: offset)
                }
            case .expressions(let expressions):
                for expression in expressions {
                    try validate(expression, as: segment.type, at: offset)
                }
            }
        }
    }

    private func validateData() throws(ModuleError) {
        for (index, segment) in module.data.enumerated() {
            guard case .active(let memory, let position) = segment.mode else { continue }
            let offset = offset(index, in: module.offsets.data)
            try check(memory, below: module.memories.count, "memory", at: offset)
            try validate(position, as: module.memories[Int(memory)].address, at: offset)
        }
    }
}
