internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import CApusHost

extension InstanceState {
    /// Gives globals and tables their initial values, runs active segments in order, or all if
    /// none of them can fail, then the start function. What happened before a failure stays.
    ///
    /// Specification: 4.7.2 “Instantiation”.
    func initialize() throws {
        phase = .initializing
        try withModule { try fill(as: $0) }
        phase = .ready
        // SAFETY: the start function has no parameters and no results, so it takes no cells.
        if !defersStart, let start = try startTarget() { try unsafe store.call(start, cells: nil) }
    }

    /// Everything that `initialize` does before the start function.
    private func fill(as module: LoadedModule) throws {
        let decoded = module.module
        try initializeGlobals(module.template.globals, decoded)
        try writeElementSegments()
        if module.environment.configuration.checksSegmentsFirst { try checkSegments() }
        if !module.template.isStatic {
            for (index, expression) in decoded.tableInitializers.enumerated() {
                guard let expression else { continue }
                let table = tables[decoded.importedTableCount + index]
                _ = table.fill(0, try evaluate(expression).low, table.count)
            }
            try initializeTables()
        }
        if !isImaged { try initializeMemories() }
    }

    private func initializeGlobals(
        _ initial: [InstanceTemplate.GlobalValue], _ decoded: DecodedModule
    ) throws {
        for (index, first) in initial.enumerated() {
            let global = globals[decoded.importedGlobalCount + index]
            switch first {
            case .constant(let low, let high):
                global.bits = low
                global.highBits = high
            case .function(let ordinal):
                global.bits = reference(toEscaping: Int(ordinal)).bits
                global.highBits = 0
            case .computed:
                let value = try evaluate(decoded.globalInitializers[index])
                global.bits = value.low
                global.highBits = value.high
            }
        }
    }

    /// Throws if an active segment does not fit, before any is written. Those of a static module
    /// do, unless its data has a substitute.
    private func checkSegments() throws {
        for segment in module.module.elements {
            guard case .active(let table, let offset) = segment.mode else { continue }
            let start = try address(evaluate(offset), is64: tables[Int(table)].type.is64)
            guard tables[Int(table)].contains(start, UInt64(segment.initializers.count)) else {
                throw trap(.tableOutOfBounds)
            }
        }
        for segment in dataSegments {
            guard case .active(let memory, let offset) = segment.mode else { continue }
            let start = try address(evaluate(offset), is64: memories[Int(memory)].type.is64)
            guard memories[Int(memory)].contains(start, count: UInt64(segment.contents.count))
            else { throw trap(.memoryOutOfBounds) }
        }
    }

    private func initializeTables() throws {
        for (index, segment) in module.module.elements.enumerated() {
            guard case .active(let table, let offset) = segment.mode else { continue }
            let destination = try address(evaluate(offset), is64: tables[Int(table)].type.is64)
            guard
                try initializeTable(
                    Int(table), fromSegment: index, at: destination,
                    mayGoOn: { store.mayGoOn })
            else { throw trap(.tableOutOfBounds) }
            if segment.initializers.count > Pieces.elements { try store.checkInterruption() }
        }
    }

    private func initializeMemories() throws {
        for (index, segment) in dataSegments.enumerated() {
            guard case .active(let memory, let offset) = segment.mode else { continue }
            let destination = try address(evaluate(offset), is64: memories[Int(memory)].type.is64)
            guard
                initializeMemory(
                    Int(memory), fromSegment: index, at: destination,
                    mayGoOn: { store.mayGoOn })
            else { throw trap(.memoryOutOfBounds) }
            if segment.contents.count > Pieces.bytes { try store.checkInterruption() }
        }
    }

    /// A segment that does not fit ends the instantiation.
    func trap(_ code: TrapCode) -> WasmTrap {
        store.statistics.traps += 1
        return WasmTrap(code)
    }

    private func address(_ value: (low: UInt64, high: UInt64), is64: Bool) -> UInt64 {
        is64 ? value.low : value.low & 0xFFFF_FFFF
    }

    /// What it takes to call the start function; nil if there is none.
    func startTarget() throws(ResourceError) -> CallTarget? {
        guard let start = module.module.start else { return nil }
        let index = Int(start)
        let type = module.functionType(module.module.functions[index])
        let typeIndex = module.module.functions[index]
        let entry = try module.trampolines.address(.init(.entry, typeIndex, .cells))
        var code = UInt(0)
        // SAFETY: the layout has a place for each imported function in the context, and
        // `ContextWriter` has written it.
        var callee = UInt(bitPattern: unsafe context)
        if index < module.module.importedFunctionCount {
            let offset = Int(module.layout.functionImport(index))
            let slot = unsafe (UnsafeMutableRawPointer(context) + offset)
                .assumingMemoryBound(to: apus_function_import.self)
            code = UInt(bitPattern: unsafe slot.pointee.code)
            callee = UInt(bitPattern: unsafe slot.pointee.context)
        } else {
            code = module.codeAddress(ofFunction: index)
        }
        return CallTarget(entry: entry, code: code, context: callee, type)
    }
}
