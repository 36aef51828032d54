internal import ApusABI
internal import ApusCollections
internal import ApusFormat

/// What is known of code that is put beside other code of its module (`CodeSpace`). All offsets
/// count from the start of the code.
struct CodePiece: ~Copyable {
    let codeBytes: Int
    let writesTables: Bool
    let tier: CodeTier?
    var functions: Arena<CompiledFunction>
    var sites: CodeSites
    /// What changes with its place.
    var relocations: Arena<CodeRelocation>

    /// What a compiler has made.
    init(_ batch: borrowing CodeBatch) {
        codeBytes = batch.bytes.count
        writesTables = batch.writesTables
        tier = batch.tier
        functions = Arena(capacity: batch.functions.count)
        sites = CodeSites(traps: batch.sites.traps.count, calls: batch.sites.calls.count)
        relocations = Arena(capacity: batch.relocations.count)
        functions.append(contentsOf: batch.functions)
        sites.append(batch.sites)
        for index in 0..<functions.count {
            let function = functions[index]
            sites.rebase(function)
            let first = Int(function.relocationStart)
            for number in first..<first + Int(function.relocationCount) {
                var relocation = batch.relocations[number]
                relocation.codeOffset &+= function.codeStart
                relocations.append(relocation)
            }
        }
    }

    /// What was written down of code of `codeBytes` bytes.
    init(
        _ records: consuming CodeRecords, _ relocations: consuming Arena<CodeRelocation>,
        codeBytes: Int, writesTables: Bool
    ) {
        self.codeBytes = codeBytes
        self.writesTables = writesTables
        // Code of an earlier run is that of functions that were called then, of either compiler.
        tier = nil
        functions = records.functions
        sites = records.sites
        self.relocations = relocations
    }
}
