internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat
internal import ApusRuntime

/// Puts batches of functions one after the other into executable memory and links their calls.
struct ImageBuilder: ~Copyable {
    private var code: CodeMemory
    private var codeBytes = 0
    private var functions: Arena<CompiledFunction>
    private var sites: CodeSites
    /// Calls to be resolved; offsets count from the image's start.
    private var calls = Arena<CodeRelocation>(capacity: 256)
    private let importedFunctionCount: Int
    private var writesTables = false

    /// Calls reach 2 GiB each way; half of that leaves no case to think about.
    private static var codeBytesLimit: Int { 1 << 30 }
    /// Of a batch: what is aligned in it stays so.
    private static var alignment: Int { 64 }

    init(_ module: DecodedModule) throws(ResourceError) {
        let bodies = module.bodies
        let bodyBytes = module.bodyBytes
        // Address space only: what the code does not fill is never touched.
        code = try CodeMemory(capacity: bodyBytes * 8 + bodies.count * 64 + 4096)
        functions = Arena(capacity: bodies.count)
        sites = CodeSites(traps: bodyBytes / 8 + 64, calls: bodyBytes / 32 + 64)
        importedFunctionCount = module.importedFunctionCount
    }

    /// Places the functions of `batch` behind those that are there.
    mutating func append(_ batch: borrowing CodeBatch) throws {
        let start = (codeBytes + Self.alignment - 1) & ~(Self.alignment - 1)
        try reserve(start + batch.code.count)
        code.write(batch.code.span, at: start)
        codeBytes = start + batch.code.count
        let offset = UInt32(truncatingIfNeeded: start)
        let firstTrap = UInt32(truncatingIfNeeded: sites.traps.count)
        let firstCall = UInt32(truncatingIfNeeded: sites.calls.count)
        let firstHandlerList = UInt32(truncatingIfNeeded: sites.handlerLists.count)
        let firstInlined = UInt32(truncatingIfNeeded: sites.inlined.count)
        let firstRelocation = UInt32(truncatingIfNeeded: calls.count)
        if batch.writesTables { writesTables = true }
        sites.append(batch.sites, at: offset)
        calls.append(contentsOf: batch.relocations)
        for index in 0..<batch.functions.count {
            var function = batch.functions[index]
            function.codeStart &+= offset
            function.trapStart &+= firstTrap
            function.callStart &+= firstCall
            function.handlerListStart &+= firstHandlerList
            function.inlinedStart &+= firstInlined
            function.relocationStart &+= firstRelocation
            rebase(function)
            functions.append(function)
        }
    }

    /// Makes the offsets of a function's sites and relocations count from the image's start.
    private mutating func rebase(_ function: CompiledFunction) {
        sites.rebase(function)
        let firstCall = Int(function.relocationStart)
        for index in firstCall..<firstCall + Int(function.relocationCount) {
            calls[index].codeOffset &+= function.codeStart
        }
    }

    /// Makes room for `bytes` of code in all.
    private mutating func reserve(_ bytes: Int) throws {
        guard bytes <= Self.codeBytesLimit else {
            throw ModuleError(.limit, at: 0, "the module's code is larger than 1 GiB")
        }
        // With a byte behind the last instruction (`CodeMemory`).
        if bytes < code.capacity { return }
        var larger = try CodeMemory(capacity: max(bytes, code.capacity * 2))
        let used = codeBytes
        let old = code.bytes
        larger.write(old.span.extracting(0..<used), at: 0)
        code = larger
    }

    /// Resolves the calls; the image is then complete.
    consuming func finish(_ tier: CodeTier? = nil) throws -> LinkedImage {
        Self.link(calls, functions, importedFunctionCount, &code)
        return LinkedImage(
            code: code, codeBytes: codeBytes, functions: functions, sites: sites,
            writesTables: writesTables, tier: tier)
    }

    private static func link(
        _ calls: borrowing Arena<CodeRelocation>, _ functions: borrowing Arena<CompiledFunction>,
        _ importedFunctionCount: Int, _ code: inout CodeMemory
    ) {
        var bytes = code.bytes
        for index in 0..<calls.count {
            let call = calls[index]
            let callee = Int(call.function) &- importedFunctionCount
            let distance = functions[callee].codeStart &- (call.codeOffset &+ 4)
            let place = Int(call.codeOffset)
            bytes[place] = UInt8(truncatingIfNeeded: distance)
            bytes[place + 1] = UInt8(truncatingIfNeeded: distance >> 8)
            bytes[place + 2] = UInt8(truncatingIfNeeded: distance >> 16)
            bytes[place + 3] = UInt8(truncatingIfNeeded: distance >> 24)
        }
    }
}
