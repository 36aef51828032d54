// What `dump`, `String(reflecting:)` and tools of tests see of what threads share: only what never
// changes. What guests have written would be shown byte by byte, and read without its lock.

extension MemoryFileSystem: CustomReflectable {
    /// What it may hold at most: what tools show of it.
    public var customMirror: Mirror {
        Mirror(
            self, children: ["byteLimit": byteLimit, "entryLimit": entryLimit],
            displayStyle: .class)
    }
}

extension CapturedOutput: CustomReflectable {
    /// What it keeps at most: what tools show of it.
    public var customMirror: Mirror {
        Mirror(self, children: ["byteLimit": byteLimit], displayStyle: .class)
    }
}

extension StreamedOutput: CustomReflectable {
    /// How far a guest may be ahead: what tools show of it.
    public var customMirror: Mirror {
        Mirror(self, children: ["byteLimit": byteLimit], displayStyle: .class)
    }
}
