internal import ApusABI
internal import ApusCollections
internal import ApusDWARF
internal import ApusFormat
internal import ApusRuntime

/// Brings what code has counted to the lines that it comes from.
///
/// A function may have several blocks for one line: their greatest count is the line's. A line may
/// be part of several functions, where one was made part of others: then their counts are added up.
struct CoverageCollector: ~Copyable {
    private let loaded: LoadedModule
    private let names: ModuleNames
    private let index: SourceIndex?
    private var budget: WorkBudget?
    /// Of all functions.
    private var demangled: SourceNames
    private var numbers: [String: Int] = [:]
    private var paths: [String] = []
    /// Of the files in `paths`.
    private var files: [CoverageFileBuilder] = []
    private(set) var unmapped: [Int] = []

    init(_ loaded: LoadedModule) {
        self.loaded = loaded
        names = ModuleNames(loaded.module)
        index = loaded.sourceIndex
        budget = index?.budget
        demangled = SourceNames(bytes: loaded.module.bytes.count + (1 << 20))
    }

    /// What all functions have counted. Those that come from no line are in `unmapped`.
    mutating func coverage() -> Coverage {
        let imported = loaded.module.importedFunctionCount
        for position in loaded.module.bodies.indices {
            if !addMapped(imported + position) { unmapped.append(imported + position) }
        }
        var coverage = Coverage()
        coverage.files = zip(paths, files).map { $1.file(at: $0) }
            .filter { !$0.lines.isEmpty || !$0.functions.isEmpty }.sorted { $0.path < $1.path }
        return coverage
    }

    /// The functions of the module as lines of its text form, on which bodies and instructions
    /// are as `places` say; `text` is what there is no file of.
    mutating func coverage(
        of places: [(offset: Int, line: Int)], text: String?, path: String
    ) -> Coverage {
        var builder = CoverageFileBuilder()
        var branchCounts: [Int: Int] = [:]
        let imported = loaded.module.importedFunctionCount
        for position in loaded.module.bodies.indices {
            add(
                FunctionCounts(imported + position, of: loaded), places, &branchCounts,
                to: &builder)
        }
        var file = builder.file(at: path)
        file.text = text
        var coverage = Coverage()
        coverage.files = [file]
        return coverage
    }

    /// The function's name as it stands in its source, or what is known of it.
    private mutating func name(_ function: Int) -> String {
        guard let name = names.function(function) ?? loaded.name(ofFunction: function) else {
            return "function \(function)"
        }
        return demangled.demangled(name)
    }

    // MARK: By sources

    /// False if the function comes from no line.
    private mutating func addMapped(_ function: Int) -> Bool {
        guard let index, var budget else { return false }
        let counts = FunctionCounts(function, of: loaded)
        let outline = index.outline(of: counts.range, &budget)
        self.budget = budget
        guard let outline else { return false }
        let functions = functions(counts, outline)
        let files = outline.files.map { number(of: $0) }
        addLines(counts, outline, files, functions)
        for function in functions {
            self.files[function.file].addFunction(function.name, at: function.line, function.count)
        }
        addBranches(counts, outline, files)
        return true
    }

    /// The number of the file at `path`, which a line comes from.
    private mutating func number(of path: String) -> Int {
        if let known = numbers[path] { return known }
        numbers[path] = files.count
        paths.append(path)
        files.append(CoverageFileBuilder())
        return files.count - 1
    }

    /// A line in a function, or in a copy of one.
    private struct LineKey: Hashable {
        var function: Int
        var file: Int
        var line: Int
    }

    private mutating func addLines(
        _ counts: borrowing FunctionCounts, _ outline: SourceOutline<Int>, _ files: [Int],
        _ functions: [CountedFunction]
    ) {
        var lines: [LineKey: UInt64] = [:]
        // Compilers need not say that a function's first line is one of it.
        for function in functions {
            let key = LineKey(
                function: function.number, file: function.file, line: function.line)
            lines[key, default: 0].raise(to: function.count)
        }
        let stretches = outline.stretches
        var first = 0
        counts.forEachBlock { range, count in
            while first < stretches.count, stretches[first].range.upperBound <= range.lowerBound {
                first += 1
            }
            var next = first
            while next < stretches.count, stretches[next].range.lowerBound < range.upperBound {
                let stretch = stretches[next]
                let key = LineKey(
                    function: stretch.function, file: files[stretch.file], line: stretch.line)
                lines[key, default: 0].raise(to: count)
                next += 1
            }
        }
        for (key, count) in lines {
            self.files[key.file].addLine(key.line, count)
        }
    }

    /// A function of the source, or a copy of one.
    private struct CountedFunction {
        /// In the outline.
        var number: Int
        var name: String
        /// In `files`.
        var file: Int
        var line: Int
        var count: UInt64
    }

    /// The functions that the code is of.
    private mutating func functions(
        _ counts: borrowing FunctionCounts, _ outline: SourceOutline<Int>
    ) -> [CountedFunction] {
        if outline.functions.isEmpty {
            guard let first = outline.stretches.first else { return [] }
            return [
                CountedFunction(
                    number: 0, name: name(counts.function),
                    file: number(of: outline.files[first.file]), line: first.line,
                    count: counts.entries)
            ]
        }
        var functions: [CountedFunction] = []
        for (number, function) in outline.functions.enumerated() {
            guard let position = function.declaration ?? outline.position(at: function.start)
            else { continue }
            let linkageName = function.linkageName
            let name =
                linkageName.flatMap { demangled.ifMangled($0) } ?? function.name ?? linkageName
                ?? (number == 0 ? name(counts.function) : "function")
            functions.append(
                CountedFunction(
                    number: number, name: name, file: self.number(of: position.file),
                    line: position.line,
                    count: number == 0 ? counts.entries : counts.count(at: function.start)))
        }
        return functions
    }

    private mutating func addBranches(
        _ counts: borrowing FunctionCounts, _ outline: SourceOutline<Int>, _ files: [Int]
    ) {
        var numbers: [LineKey: Int] = [:]
        for (offset, ways) in counts.branches {
            guard let stretch = outline.stretch(at: offset) else { continue }
            let key = LineKey(
                function: stretch.function, file: files[stretch.file], line: stretch.line)
            let number = numbers[key, default: 0]
            numbers[key] = number + 1
            self.files[key.file].addBranch(at: stretch.line, number, ways)
        }
    }

    // MARK: By text

    /// Adds a function; `branchCounts` says how many branches lines have by now.
    private mutating func add(
        _ counts: borrowing FunctionCounts, _ places: [(offset: Int, line: Int)],
        _ branchCounts: inout [Int: Int], to file: inout CoverageFileBuilder
    ) {
        let range = counts.range
        var place = places.partitioningIndex { $0.offset >= range.lowerBound }
        guard place < places.count, places[place].offset == range.lowerBound else { return }
        let head = places[place].line
        file.addFunction(name(counts.function), at: head, counts.entries)
        var lines = [head: counts.entries]
        place += 1
        let bytes = loaded.module.bytes
        while place < places.count, places[place].offset < range.upperBound {
            let (offset, line) = places[place]
            place += 1
            // What ends a block says nothing.
            if Self.closings.contains(bytes.span[offset]) { continue }
            if let count = counts.reachableCount(at: offset) {
                lines[line, default: 0].raise(to: count)
            }
        }
        for (line, count) in lines { file.addLine(line, count) }
        for (offset, ways) in counts.branches {
            let place = places.partitioningIndex { $0.offset > offset } - 1
            guard place >= 0 else { continue }
            let line = places[place].line
            file.addBranch(at: line, branchCounts[line, default: 0], ways)
            branchCounts[line, default: 0] += 1
        }
    }

    /// The opcodes of `else` and `end`.
    private static let closings: [UInt8] = [0x05, 0x0B]
}

extension SourceOutline<Int> {
    /// The code from one line that the instruction at `offset` belongs to.
    fileprivate func stretch(at offset: Int) -> Stretch? {
        let place = stretches.partitioningIndex { $0.range.lowerBound > offset } - 1
        guard place >= 0, stretches[place].range.contains(offset) else { return nil }
        return stretches[place]
    }

    fileprivate func position(at offset: Int) -> SourcePosition? {
        stretch(at: offset).map { position($0) }
    }
}

extension UInt64 {
    fileprivate mutating func raise(to count: UInt64) { self = Swift.max(self, count) }
}
