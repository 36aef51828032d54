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
    private var files: [String: CoverageFileBuilder] = [:]
    private(set) var unmapped: [Int] = []

    init(_ loaded: LoadedModule) {
        self.loaded = loaded
        names = ModuleNames(loaded.module)
        index = loaded.sourceIndex
        budget = index?.budget
    }

    /// What all functions have counted. Those that come from no line are in `unmapped`.
    mutating func coverage() -> Coverage {
        let imported = loaded.module.importedFunctionCount
        for position in loaded.module.bodies.indices {
            if !addMapped(imported + position) { unmapped.append(imported + position) }
        }
        var coverage = Coverage()
        coverage.files = files.map { $1.file(at: $0) }.sorted { $0.path < $1.path }
        return coverage
    }

    /// The functions of the module as lines of its text form.
    func coverage(of printed: [(offset: Int, line: Int)], text: String, path: String) -> Coverage {
        var builder = CoverageFileBuilder()
        let imported = loaded.module.importedFunctionCount
        for position in loaded.module.bodies.indices {
            add(FunctionCounts(imported + position, of: loaded), printed, to: &builder)
        }
        var file = builder.file(at: path)
        file.text = text
        var coverage = Coverage()
        coverage.files = [file]
        return coverage
    }

    /// The function's name as it stands in its source, or what is known of it.
    private func name(_ function: Int) -> String {
        guard let name = names.function(function) ?? loaded.name(ofFunction: function) else {
            return "function \(function)"
        }
        return DemangledName.of(name) ?? name
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
        addLines(counts, outline, functions)
        addFunctions(functions)
        addBranches(counts, outline)
        return true
    }

    /// A line in a function, or in a copy of one.
    private struct LineKey: Hashable {
        var function: Int
        var file: String
        var line: Int

        init(_ stretch: SourceOutline<Int>.Stretch) {
            self.init(stretch.function, stretch.position)
        }

        init(_ function: Int, _ position: SourcePosition) {
            self.function = function
            file = position.file
            line = position.line
        }
    }

    private mutating func addLines(
        _ counts: borrowing FunctionCounts, _ outline: SourceOutline<Int>,
        _ functions: [CountedFunction]
    ) {
        var lines: [LineKey: UInt64] = [:]
        // Compilers need not say that a function's first line is one of it.
        for function in functions {
            let key = LineKey(function.number, function.position)
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
                lines[LineKey(stretches[next]), default: 0].raise(to: count)
                next += 1
            }
        }
        for (key, count) in lines {
            files[key.file, default: CoverageFileBuilder()].addLine(key.line, count)
        }
    }

    /// A function of the source, or a copy of one.
    private struct CountedFunction {
        /// In the outline.
        var number: Int
        var name: String
        var position: SourcePosition
        var count: UInt64
    }

    /// The functions that the code is of.
    private func functions(
        _ counts: borrowing FunctionCounts, _ outline: SourceOutline<Int>
    ) -> [CountedFunction] {
        if outline.functions.isEmpty {
            return outline.stretches.prefix(1).map {
                CountedFunction(
                    number: 0, name: name(counts.function), position: $0.position,
                    count: counts.entries)
            }
        }
        var functions: [CountedFunction] = []
        for (number, function) in outline.functions.enumerated() {
            guard let position = function.declaration ?? outline.position(at: function.start)
            else { continue }
            let linkageName = function.linkageName
            let name =
                linkageName.flatMap { DemangledName.of($0) } ?? function.name ?? linkageName
                ?? (number == 0 ? name(counts.function) : "function")
            functions.append(
                CountedFunction(
                    number: number, name: name, position: position,
                    count: number == 0 ? counts.entries : counts.count(at: function.start)))
        }
        return functions
    }

    private mutating func addFunctions(_ functions: [CountedFunction]) {
        for function in functions {
            files[function.position.file, default: CoverageFileBuilder()]
                .addFunction(function.name, at: function.position.line, function.count)
        }
    }

    private mutating func addBranches(
        _ counts: borrowing FunctionCounts, _ outline: SourceOutline<Int>
    ) {
        var numbers: [LineKey: Int] = [:]
        for (offset, ways) in counts.branches {
            guard let stretch = outline.stretch(at: offset) else { continue }
            let number = numbers[LineKey(stretch), default: 0]
            numbers[LineKey(stretch)] = number + 1
            files[stretch.position.file, default: CoverageFileBuilder()]
                .addBranch(at: stretch.position.line, number, ways)
        }
    }

    // MARK: By text

    private func add(
        _ counts: borrowing FunctionCounts, _ printed: [(offset: Int, line: Int)],
        to file: inout CoverageFileBuilder
    ) {
        let range = counts.range
        var place = printed.partitioningIndex { $0.offset >= range.lowerBound }
        guard place < printed.count, printed[place].offset == range.lowerBound else { return }
        let head = printed[place].line
        file.addFunction(name(counts.function), at: head, counts.entries)
        file.addLine(head, counts.entries)
        place += 1
        let bytes = loaded.module.bytes
        while place < printed.count, printed[place].offset < range.upperBound {
            let (offset, line) = printed[place]
            place += 1
            // What ends a block says nothing.
            if Self.closings.contains(bytes.span[offset]) { continue }
            if let count = counts.reachableCount(at: offset) { file.addLine(line, count) }
        }
        for (offset, ways) in counts.branches {
            let place = printed.partitioningIndex { $0.offset > offset } - 1
            if place >= 0 { file.addBranch(at: printed[place].line, 0, ways) }
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
        stretch(at: offset)?.position
    }
}

extension UInt64 {
    fileprivate mutating func raise(to count: UInt64) { self = Swift.max(self, count) }
}
