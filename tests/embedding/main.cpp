__attribute__((visibility("default"))) int embed();

int main() { return embed(); }
